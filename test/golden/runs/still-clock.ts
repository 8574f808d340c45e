// Preloaded into the agent of a golden run: its wall clock stands at 2026-11-22T12:00:00Z, so that arrival times and
// what is assumed from them (a missing year, a missing date) are the same at every run.
const NOW = Date.UTC(2026, 10, 22, 12)

Date.now = () => NOW
