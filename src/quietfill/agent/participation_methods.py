"""The public face: participation and volume profiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from quietfill.agent.face import AgentFace
from quietfill.agent.profiles import read_profile
from quietfill.domain.messages import SetVolumeProfile
from quietfill.market.volume import checked_profile

if TYPE_CHECKING:
    from quietfill.agent.participation import ParticipationWatch


class ParticipationMethods(AgentFace):
    """How much of a market we are, and how its volume is spread over the day."""

    _participation: ParticipationWatch

    def get_participation_stats(self, symbol: str) -> dict[str, Any]:
        """Return our share of the market's recent volume, and the rate that it asks for.

        Returns:
            symbol; target_participation, min_participation, max_participation and volume_window_minutes as configured;
            current_participation, ours of all volume in the window (0-1), None until volume was seen in it;
            adjusted_participation, the target moved against the distance from it by `participation_adjustment_factor`,
            between min and max; market_observations and our_fills, how often volume was told anew and how often we
            traded in the window; market_volume (ours included) and our_volume, in shares, contracts or coins.
        """
        return self._participation.stats(symbol)

    def set_volume_profile(self, symbol: str, profile: list[float]) -> None:
        """Set relative weights per equal bucket of the instrument's session; running schedules follow it at once.

        It is journaled, so a restart follows it too.

        Raises:
            ValueError: when it is empty, negative, not finite or all zero.
        """
        weights = checked_profile(profile)
        self.runtime.submit(SetVolumeProfile(symbol=symbol, weights=weights, by=self.config.name))

    def _follow_configured_profiles(self) -> None:
        """Follow the profiles of `volume_profile_files`, each for the symbol that it names.

        Raises:
            BadInput: when a file cannot be read or holds no profile.
        """
        for name in self.config.settings.volume_profile_files:
            profile, by = read_profile(Path(name)), self.config.name
            source = f"{Path(name).name}, {profile.days} days to {profile.last}"
            message = SetVolumeProfile(symbol=profile.symbol, weights=profile.weights, by=by, source=source)
            self.runtime.submit(message)
