// The numbers that only this output has.
import type { Context } from '../../core/component.ts'
import type { IndexNames } from './index-name.ts'

export interface ElasticsearchMeters {
  taken(how: 'rescued' | 'failure_store', records: number): void
  /** Begins; returns the way to take its series out again. */
  open(): () => void
}

export function elasticsearchMeters(
  { instruments, name }: Context,
  index: IndexNames | undefined
): ElasticsearchMeters {
  const absurd = instruments.counter(
    'yarder_output_absurd_times_total',
    'Records whose time was taken for wrong, so that their arrival chose the index.',
    ['output']
  )
  const overflow = instruments.counter(
    'yarder_output_index_overflows_total',
    'Records sent to the overflow index, since their fields would have made too many names (`max_indices`).',
    ['output']
  )
  const rescued = instruments.counter(
    'yarder_output_rescued_total',
    'Records stored with a field moved aside that the mapping had no room for (`rescue_conflicts`).',
    ['output']
  )
  const failureStore = instruments.counter(
    'yarder_output_failure_store_total',
    'Records that the server took into the failure store of the data stream.',
    ['output']
  )
  return {
    taken: (how, records) => (how === 'rescued' ? rescued : failureStore).add(records, name),
    open() {
      let counted = 0
      let overflown = 0
      return instruments.beforeScrape(() => {
        const now = index?.absurd ?? 0
        absurd.add(now - counted, name)
        counted = now
        const over = index?.overflows ?? 0
        overflow.add(over - overflown, name)
        overflown = over
      })
    }
  }
}
