"""The launcher's loop: supervisord below it, the screen above it, until a signal or a failure that ends it all."""

import asyncio
import os
import shutil
import signal
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from deploy.local import instance, status, view, words
from deploy.local.plan import Plan
from deploy.local.process import CannotRun, port_answers, version
from deploy.local.programs import Program
from deploy.local.screen import Facts
from deploy.local.supervise import State, Supervisor
from deploy.local.words import Language, text_in
from shared.bus import Redis, connect

PERIOD_S = 1.0
#: A service that failed for good by supervisord's count is tried again after this long.
RETRY_FATAL_S = 60.0
#: Once the API answers, the exchanges get this long to say something before the screen calls it ready.
VENUES_GRACE_S = 20.0
MEASURE_EVERY_S = 30.0


@dataclass
class Watch:
    """What is remembered of the programs from look to look, and which of them are in trouble."""

    programs: Sequence[Program]
    fatal_since: dict[str, float] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    served: set[str] = field(default_factory=set)
    #: how many looks in a row a server of ours did not run while its port answered: it is somebody else's
    usurped: Counter[str] = field(default_factory=Counter)

    def judge(self, states: dict[str, State], supervisor: Supervisor, lang: Language) -> list[Program]:
        """Update what fails; returns the programs to start again. Raises `CannotRun` when the storage is lost."""
        again = []
        for program in self.programs:
            state = states.get(program.name)
            if state is None or program.once:
                continue
            if program.port and program.name not in self.served and port_answers(program.port):
                self.served.add(program.name)
            if state.state == "RUNNING":
                del self.usurped[program.name]
                self.failing.pop(program.name, None)
                self.fatal_since.pop(program.name, None)
            elif state.state in ("BACKOFF", "FATAL"):
                # supervisord's exit status of a process that a signal ended
                killed = state.exit_status == -1
                reason = text_in(lang, "killed") if killed else supervisor.reason(program.name)
                values = {"reason": reason, "log": supervisor.log(program.name)}
                if program.port and port_answers(program.port):
                    self.usurped[program.name] += 1
                # two looks: it may have come up again between a look's two questions
                lost = state.state == "FATAL" or program.name not in self.served or self.usurped[program.name] > 1
                if program.group == "storage" and lost:
                    raise CannotRun(text_in(lang, "infrastructure", name=program.name, **values))
                self.failing[program.name] = text_in(lang, "failing", name=program.name, **values)
                since = self.fatal_since.setdefault(program.name, time.monotonic())
                if state.state == "FATAL" and time.monotonic() - since > RETRY_FATAL_S:
                    del self.fatal_since[program.name]
                    again.append(program)
        return again


class Run:
    """One launcher's life. `once`: a replay ends with its report instead of serving on."""

    def __init__(self, plan: Plan, lang: Language, *, once: bool = False, detached: bool = False) -> None:
        self.plan, self.lang, self.once, self.detached = plan, lang, once, detached
        self.started = time.monotonic()
        self.api_since: float | None = None
        self.ready_s: int | None = None
        self.replays = [program for program in plan.programs if program.once]
        self.replaying: list[str] | None = None
        self.settled = asyncio.Event()
        self.boards: deque[int] = deque(maxlen=4)
        self.last = status.Snapshot([status.VenueStatus(name) for name in plan.venues])
        self.status = 0
        self.stop = asyncio.Event()
        self.signals: deque[int] = deque(maxlen=8)
        self.measured = (-MEASURE_EVERY_S, 0)

    async def main(self) -> int:
        """Run until stopped. Returns the exit status; raises `CannotRun` after everything is down again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled, number)
        if self.detached:
            loop.remove_signal_handler(signal.SIGHUP)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        instance.write_record(self.plan.runtime, self._record())
        supervisor = Supervisor(
            self.plan.programs, self.plan.runtime, self.plan.settings.log_path, self.plan.environment
        )
        client = connect(self.plan.redis_url)
        shown = view.make(self.lang, self.detached)
        try:
            await self._loop(supervisor, client, shown)
        finally:
            shown.close()
            with suppress(OSError):
                await client.aclose()
            await self._shut_down(supervisor)
            instance.remove_record(self.plan.runtime)
        return self.status

    def _signalled(self, number: int) -> None:
        self.signals.append(number)
        self.stop.set()

    async def _loop(self, supervisor: Supervisor, client: Redis, shown: view.View) -> None:
        watch = Watch(self.plan.programs)
        while not self.stop.is_set():
            if supervisor.process.poll() is not None:
                raise CannotRun(text_in(self.lang, "supervisor_gone", log=supervisor.log("supervisord")))
            states = await supervisor.states() or {}
            for program in watch.judge(states, supervisor, self.lang):
                await supervisor.start(program)
            snapshot = self._with_failures(await self._look(client), watch)
            await self._progress(states, snapshot, supervisor, shown)
            shown.show(await self._facts(tuple(watch.failing.values())), snapshot)
            if self.once and self.settled.is_set():
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), PERIOD_S)

    async def _look(self, client: Redis) -> status.Snapshot:
        try:
            self.last = await status.read(client, self.plan.venues, any_age=bool(self.replays))
        except status.UNREACHABLE as error:
            away = self.ready_s is not None or time.monotonic() - self.started > 15
            return replace(self.last, error=(str(error) or type(error).__name__) if away else "")
        return self.last

    def _with_failures(self, snapshot: status.Snapshot, watch: Watch) -> status.Snapshot:
        venues = [
            replace(venue, state="down", detail="") if f"collector-{venue.name}" in watch.failing else venue
            for venue in snapshot.venues
            if not (self.replays and venue.state == "starting")
        ]
        return replace(snapshot, venues=venues)

    async def _progress(
        self, states: dict[str, State], snapshot: status.Snapshot, supervisor: Supervisor, shown: view.View
    ) -> None:
        """Notice the moments: the API answers, everything is ready, the replay may start, the replay has ended."""
        now = time.monotonic()
        if self.api_since is None and await answers(self.plan.settings.host, self.plan.settings.port):
            self.api_since = now
        if self.ready_s is None and self.api_since is not None:
            spoken = all(venue.speaks for venue in snapshot.venues)
            if spoken or now - self.api_since > VENUES_GRACE_S:
                self.ready_s = max(1, round(now - self.started))
                instance.write_record(self.plan.runtime, self._record())
        if self.replays:
            await self._replay(states, snapshot, supervisor, shown)

    async def _replay(
        self, states: dict[str, State], snapshot: status.Snapshot, supervisor: Supervisor, shown: view.View
    ) -> None:
        if self.replaying is None:
            readers = all(snapshot.services.get(name) == "live" for name in ("_scanner", "_recorder"))
            late = self.api_since is not None and time.monotonic() - self.api_since > VENUES_GRACE_S
            if self.ready_s is not None and (readers or late):
                self.replaying = [program.name for program in self.replays]
                for program in self.replays:
                    await supervisor.start(program)
            return
        for name in list(self.replaying):
            state = states.get(name)
            if state is not None and state.state in ("EXITED", "FATAL"):
                self.replaying.remove(name)
                self.status = self.status or state.exit_status
                shown.say(supervisor.output(name).rstrip())
                if state.exit_status:
                    shown.say(text_in(self.lang, "replay_ended", status=state.exit_status))
        if not self.replaying and not self.settled.is_set() and self._is_settled(snapshot):
            self.settled.set()
            shown.again()

    def _is_settled(self, snapshot: status.Snapshot) -> bool:
        """Whether the board has stood still for some looks: what was replayed is read, as far as can be seen here."""
        self.boards.append(snapshot.board)
        return len(self.boards) == self.boards.maxlen and len(set(self.boards)) == 1

    async def _facts(self, notices: tuple[str, ...]) -> Facts:
        settings = self.plan.settings
        now = time.monotonic()
        if now - self.measured[0] > MEASURE_EVERY_S:
            self.measured = (now, await asyncio.to_thread(instance.data_bytes, settings))
        return Facts(
            version=version(),
            mode=settings.mode,
            url=self.plan.url,
            data=settings.data_path,
            data_bytes=self.measured[1],
            free_bytes=shutil.disk_usage(settings.data_path).free,
            retention_days=settings.retention_days,
            max_disk_gb=settings.max_disk_gb,
            elapsed_s=round(now - self.started),
            ready_s=self.ready_s,
            notices=notices,
            detached=self.detached,
        )

    def _record(self) -> instance.Instance:
        return instance.Instance(
            pid=os.getpid(),
            mode=self.plan.settings.mode,
            url=self.plan.url,
            redis_url=self.plan.redis_url,
            database_url=self.plan.database_url,
            venues=list(self.plan.venues),
            started_s=time.time() - (time.monotonic() - self.started),
            ready=self.ready_s is not None,
            detached=self.detached,
        )

    async def _shut_down(self, supervisor: Supervisor) -> None:
        """Bounded; a second Ctrl-C ends it at once."""
        print(words.text("stopping"), flush=True)
        self.stop.clear()
        stopping = asyncio.create_task(supervisor.stop())
        impatient = asyncio.create_task(self.stop.wait())
        await asyncio.wait((stopping, impatient), return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            supervisor.kill()
        impatient.cancel()
        await stopping
        instance.end(instance.left_over(self.plan.settings))
        print(words.text("stopped"), flush=True)


async def answers(host: str, port: int) -> bool:
    """Whether the API says it is alive."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection("127.0.0.1" if host == "0.0.0.0" else host, port)
            try:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                await writer.drain()
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
