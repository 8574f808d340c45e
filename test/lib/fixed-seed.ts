// Loaded before the tests: properties try the same examples in each run, so that a change is what makes them fail.
// `FUZZ=1 npm test` tries new ones and prints the seed of what it finds; such a find becomes a test with its own name.
import fc from 'fast-check'

if (process.env['FUZZ'] === undefined) fc.configureGlobal({ seed: 20_261_122 })
