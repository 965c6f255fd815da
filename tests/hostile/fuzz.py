"""A parser under coverage-guided attack for some seconds: python -m tests.hostile.fuzz PARSER [SECONDS] [SEED].

Ends with status 0 if nothing but its documented errors came out; else atheris shows the input and what came out of it.
"""

import sys

import atheris

with atheris.instrument_imports(include=["transcribe"]):
    from tests.hostile.parsers import MARK, PARSERS, check


def main() -> None:
    """Mutate the parser's whole files, the mark among them."""
    name, seconds, seed = (*sys.argv[1:], *("20", "1")[len(sys.argv) - 2 :])
    parser = PARSERS[name]
    wholes = (*parser.wholes, MARK.encode())

    def once(data: bytes) -> None:
        """The first byte chooses a whole file, the second how much of it stands before the fuzzer's own bytes."""
        whole = wholes[data[0] % len(wholes)] if data else b""
        kept = len(whole) * data[1] // 255 if len(data) > 1 else 0
        check(parser, whole[:kept] + data[2:])

    # no limit on memory: what libFuzzer reads is the peak of whoever started us, too
    limits = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        "-timeout=10",
        "-rss_limit_mb=0",
        "-artifact_prefix=/tmp/",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *limits], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
