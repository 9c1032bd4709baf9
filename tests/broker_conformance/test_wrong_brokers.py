"""Brokers that are wrong in one way each, and the check that exists for it: every check can fail, and says why."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import pytest

from quietfill.testing.broker_conformance import Verdict, checks, examine
from tests.broker_conformance import wrong_edges as edges
from tests.broker_conformance import wrong_pits as pits
from tests.broker_conformance.pit import Pit, PitEdge, pit_stage

CHECKS = {check.name: check for check in checks()}


class Wrong(NamedTuple):
    """One way to be wrong, which check sees it, and what that says."""

    caught_by: str
    says: str
    edge: type[PitEdge] = PitEdge
    pit: type[Pit] = Pit

    @property
    def name(self) -> str:
        """What is wrong, in the name of the part that is."""
        return self.pit.__name__ if self.edge is PitEdge else self.edge.__name__


WRONG = [
    Wrong("connect-opens", "not connected before connect", edges.AlwaysConnected),
    Wrong("disconnect-closes", "no report after disconnect", edges.TalksAfterTheEnd),
    Wrong("disconnect-closes", "not connected after disconnect", edges.AlwaysConnected),
    Wrong("submit-never-calls-back-from-inside", "in a later turn", edges.AnswersInside),
    Wrong("callbacks-are-on-the-loops-thread", "on another thread", edges.TellsFromAThread),
    Wrong("submit-never-waits", "to return None", edges.AsksToBeAwaited),
    Wrong("submit-never-waits", "each of 5 took longer", edges.WaitsInSubmit),
    Wrong("placement-is-accepted-once", "accepted once and nothing else", edges.AcceptsTwice),
    Wrong("placement-is-accepted-once", "accepted for check-1-1", edges.LosesOurId),
    Wrong("placement-is-accepted-once", "accepted for check-1-1", edges.NeverAcknowledges),
    Wrong("acceptance-states-the-terms", "the total that was asked for", edges.StatesOtherTerms),
    Wrong("refusal-is-told", "an end of check-1-1", edges.RefusesInSilence),
    Wrong("refusal-is-told", "a reason for the rejection", edges.RefusesWithoutReason),
    Wrong("refusal-is-told", "no execution of check-1-1", pit=pits.FillsTheRefused),
    Wrong("orders-never-mix", "executions of check-3-1", edges.FillsTheFirst),
    Wrong("same-id-places-one-order", "no end of check-1-1, which works", edges.RejectsTheRepeat),
    Wrong("same-id-places-one-order", "listed as open, once", pit=pits.PlacesTwice),
    Wrong("good-till-ends-the-order", "an end of check-1-1", pit=pits.ForgetsGoodTill),
    Wrong("good-till-ends-the-order", "no end of check-1-1 before", pit=pits.EndsTooEarly),
    Wrong("immediate-order-never-rests", "an end of check-1-1", pit=pits.RestsTheImmediate),
    Wrong("day-order-goes-on-resting", "check-1-1 working", pit=pits.LosesPatience),
    Wrong("marketable-order-is-filled", "executions of check-1-1 that add up", edges.LosesFills),
    Wrong("marketable-order-is-filled", "executions of check-1-1 that add up", edges.FillsTwice),
    Wrong("marketable-order-is-filled", "executions of check-1-1 that add up", pit=pits.TradesTheWrongSide),
    Wrong("market-order-is-filled", "executions of check-1-1 that add up", pit=pits.TakesNoMarketOrders),
    Wrong("execution-ids-are-unique", "add up to what it asked for", edges.OneExecutionId),
    Wrong("execution-ids-are-unique", "each told under one id", edges.FillsTwice),
    Wrong("execution-ids-are-unique", "or a higher revision", edges.ChangesItsMind),
    Wrong("fills-stay-inside-the-limit", "at its limit or better", edges.FillsBeyondTheLimit),
    Wrong("fill-prices-lie-on-the-grid", "on the tick grid", edges.TellsAverages),
    Wrong("counts-agree-with-executions", "counts of check-1-1 that rise", edges.CountsWrong),
    Wrong("stamps-are-true", "stamps from", edges.StampsAhead),
    Wrong("stamps-are-true", "stamps from", edges.StampsNothing),
    Wrong("part-fill-leaves-the-rest-working", "still working", pit=pits.EndsAfterAPart),
    Wrong("resting-order-is-filled-later", "executions of check-1-1 that add up", pit=pits.NeverTradesWhatRests),
    Wrong("cancel-ends-the-order-once", "after its end", pit=pits.FillsAfterTheCancel),
    Wrong("cancel-ends-the-order-once", "an end of check-1-1", edges.CancelsInSilence),
    Wrong("cancel-ends-the-order-once", "not assumed", edges.AssumesTheEnd),
    Wrong("cancel-ends-the-order-once", "not listed as open", pit=pits.GoesOnAfterTheEnd),
    Wrong("two-cancels-end-the-order-once", "one end of check-1-1", edges.CancelsTwice),
    Wrong("two-cancels-end-the-order-once", "one end of check-1-1", edges.EveryCancelWorks),
    Wrong("cancel-right-behind-its-placement", "an end of check-1-1", pit=pits.CancelsBeforePlacing),
    Wrong("cancel-after-the-last-fill-changes-nothing", "no end of check-1-1", edges.EveryCancelWorks),
    Wrong("cancel-of-a-stranger-is-not-silent", "a word about never-placed-1", edges.IgnoresStrangers),
    Wrong("cancel-of-a-stranger-is-not-silent", "a word about never-placed-1", edges.EveryCancelWorks),
    Wrong("cancel-leaves-others-working", "check-1-1 working", pit=pits.CancelsEverything),
    Wrong("replace-is-confirmed", "the new terms with the confirmation", edges.ConfirmsOldTerms),
    Wrong("replace-is-confirmed", "an answer to revision 1", edges.ForgetsRevisions),
    Wrong("replace-total-counts-what-is-filled", "that add up to the new total", pit=pits.TotalIsWhatIsLeft),
    Wrong("replace-below-what-is-filled-adds-nothing", "no total of check-1-1 below", pit=pits.TotalIsWhatIsLeft),
    Wrong("replace-after-the-end-is-refused", "refused: it is over", edges.EveryReplaceWorks),
    Wrong("refused-replace-leaves-the-old-terms", "the replace of check-1-1 refused", edges.EveryReplaceWorks),
    Wrong("refused-replace-leaves-the-old-terms", "still working", pit=pits.EndsWhatItWillNotReplace),
    Wrong("replaced-order-can-be-cancelled", "by the replace alone", edges.ReplacesByCancel),
    Wrong("working-orders-are-listed", "listed as open, once", edges.ListsNothing),
    Wrong("working-orders-are-listed", "listed as open, once", edges.ListsByNumber),
    Wrong("part-filled-order-is-listed-with-its-count", "executions add up to, not 0", edges.ListsNothingFilled),
    Wrong("part-filled-order-is-listed-with-its-count", "listed once", edges.ListsNothing),
    Wrong("executions-are-listed", "as they were reported", edges.ListsNoExecutions),
    Wrong("executions-are-listed", "as they were reported", edges.ListsOtherIds),
    Wrong("ended-orders-are-not-open", "not listed as open", edges.ListsTheDeadAsOpen),
    Wrong("snapshot-says-whether-it-is-complete", "check-1-1 in a complete snapshot", edges.ListsNothing),
    Wrong("snapshot-says-whether-it-is-complete", "check-2-1 in a complete snapshot", edges.ListsNoExecutions),
    Wrong("snapshot-is-stamped-when-asked", "asked_at from", edges.StampsTheAnswer),
    Wrong("snapshot-changes-nothing", "still working", edges.ActsWhenAsked),
    Wrong("order-outlives-its-session", "listed as open, once", edges.CancelsOnDisconnect),
    Wrong("executions-outlive-their-session", "as before", edges.KnowsThisSessionOnly),
    Wrong("executions-while-away-are-listed", "in the snapshot", edges.KnowsThisSessionOnly),
    Wrong("executions-while-away-are-listed", "in the snapshot", pit=pits.LosesWhatNobodyHears),
    Wrong("break-of-the-line-is-told", "the line told as down", edges.KeepsABreakToItself),
    Wrong("break-of-the-line-is-told", "down, told once", edges.TellsABreakTwice),
    Wrong("nothing-leaves-while-the-line-is-down", "an end of check-1-1", edges.SendsLater),
    Wrong("nothing-leaves-while-the-line-is-down", "an end of check-1-1", edges.DropsInSilence),
    Wrong("nothing-leaves-while-the-line-is-down", "no execution of check-1-1", edges.RejectsAndSends),
    Wrong("order-outlives-the-line", "by a broken line", edges.EndsOrdersWithTheLine),
    Wrong("executions-behind-a-broken-line-are-told", "that add up", pit=pits.LosesWhatNobodyHears),
    Wrong("books-are-in-order", "a bid below the ask", edges.CrossesTheBook),
    Wrong("books-are-in-order", "books of our instrument", edges.ShowsAnotherSymbol),
    Wrong("book-times-rise", "books in order of time", edges.ShowsOldBooks),
    Wrong("volume-never-falls", "more was traded", edges.CountsOthersOnly),
    Wrong("own-orders-are-in-the-book", "in the book at its price", edges.HidesOurOrders),
    Wrong("reports-are-lawful", "no alarm", edges.ChangesItsMind),
    Wrong("reports-are-lawful", "no alarm", edges.TradesForStrangers),
    Wrong("engine-and-broker-agree", "open at the broker", edges.ListsTheDeadAsOpen),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.name}-{wrong.caught_by}")
def test_a_wrong_broker_is_caught_by_the_check_that_exists_for_it(wrong):
    """What is wrong is said, with all that was heard and why the engine needs it otherwise."""
    check = CHECKS[wrong.caught_by]
    outcome = asyncio.run(examine(check, pit_stage(wrong.edge, wrong.pit)))

    assert outcome.verdict is Verdict.FAILED
    expected, _, rest = outcome.detail.partition("\nheard:\n")
    assert wrong.says in expected, outcome.detail
    assert rest.endswith(f"because: {check.why}")


def test_every_check_is_shown_to_be_able_to_fail():
    """No check without a broker that it catches."""
    assert {wrong.caught_by for wrong in WRONG} == set(CHECKS)
