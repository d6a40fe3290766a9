import type { StartFrom } from '../../config/start-field.ts'
import type { StartPosition } from '../../driver/driver-consumer.ts'

/** The place in a partition that `startFrom` means; undefined where it says nothing about it. @param startedAt of the run, in ms since 1970 */
export function startOffset(
  startFrom: StartFrom,
  partition: number,
  startedAt: number,
): StartPosition['offset'] | undefined {
  if (typeof startFrom === 'string') return startFrom
  if ('offsets' in startFrom) return startFrom.offsets[partition]
  return { timestamp: 'agoMs' in startFrom ? Math.max(0, startedAt - startFrom.agoMs) : startFrom.timestamp }
}
