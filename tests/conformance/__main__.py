"""scripts/conformance URL [KEY]: is this server one of the Server API? docs/conformance.md has how to read the table."""

import argparse
import os
import signal
import sys

import cases_requests, cases_lines, cases_mags, cases_lists, cases_people, cases_channels, cases_retries, cases_events  # noqa: E401, F401
from expect import CASES, Differs, Skipped
from kit import Kit
from wire import OutOfTime, Stopped, Unreachable, Wire

SECONDS, SECONDS_TO_CLEAR = 600, 300
WIDTHS = (44, 74, 60)


def cut(text, width):
    return text if len(text) <= width else text[: width - 3] + "..."


def line(*cells):
    return "  ".join(cut(cell, width).ljust(width) for cell, width in zip(cells, WIDTHS)) + f"  {cells[-1]}"


def asked(kit, name, says, function):
    """One row of the table; whether it differs, and if so, the call and the whole answer."""
    kit.last = None
    try:
        function(kit)
        verdict, wanted = "ok", None
    except Skipped as why:
        print(line(name, says, str(why), "not asked"), flush=True)
        return False
    except Differs as error:
        verdict, wanted = "differs", str(error)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        # An answer of another shape than the case reads.
        verdict, wanted = "differs", f"an answer of the usual shape ({type(error).__name__}: {error})"
    except Unreachable as error:
        verdict, wanted = "differs", f"an answer ({error})"
    print(line(name, says, str(kit.last or "nothing"), verdict), flush=True)
    if wanted:
        print(f"    asked:  {kit.last.asked if kit.last else '-'}\n    wanted: {wanted}\n    came:   {cut(str(kit.last or 'nothing'), 2000)}", flush=True)
    return verdict == "differs"


def reached(kit):
    """Whether the key is let in; else the words for whoever ran this."""
    answer = kit.wire.call("line/list", {"limit": 1})
    if answer.good:
        return None
    return f"line/list is not answered, so nothing else is asked: {cut(str(answer), 400)}"


def main():
    parser = argparse.ArgumentParser(prog="scripts/conformance", description="Asks a server of the Server API case by case and prints a table.")
    parser.add_argument("url", help="http://HOST[:PORT] or https://HOST[:PORT]")
    parser.add_argument("key", nargs="?", help="an API key with the right full; without it, LINECARD_API_KEY is taken")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases that have this text in their name")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"the longest that it may take ({SECONDS}); clearing away has {SECONDS_TO_CLEAR} more")
    options = parser.parse_args()
    key = options.key or os.environ.get("LINECARD_API_KEY")
    if not key:
        parser.error("an API key is missing")
    try:
        kit = Kit(Wire(options.url, key, options.seconds))
        refusal = reached(kit)
    except (ValueError, Unreachable) as error:
        refusal = str(error)
    if refusal:
        print(f"scripts/conformance: {refusal}", file=sys.stderr)
        return 2

    def stop(*_):
        kit.wire.stopped = True

    # The call that is under way ends first, so that what it makes is known.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    print(f"Everything that this run makes has {kit.marker} in its name, notes or reference, and is deleted at the end.")
    print(line("case", "what the contract says", "what came", ""))
    differing, ran, ended = 0, 0, ""
    try:
        for name, says, function in CASES:
            if options.only in name:
                ran += 1
                differing += asked(kit, name, says, function)
    except Stopped:
        ended = "stopped"
    except OutOfTime:
        ended = f"not finished within {options.seconds} seconds"
    finally:
        # Once begun it goes on: a ^C would leave rows behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kit.wire.grant(SECONDS_TO_CLEAR)
        left = kit.clear()
    for words in left:
        print(f"left behind, delete it by hand: {words}")
    if not left:
        print("all that was made is deleted again")
    print(f"{ran} cases, {differing} differ{'; ' + ended if ended else ''}")
    return 1 if differing or left or ended else 0


sys.exit(main())
