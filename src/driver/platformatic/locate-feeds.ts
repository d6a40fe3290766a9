import type { DriverConsumerOptions, StartPosition } from '../driver-consumer.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import type { OffsetLookup } from './offset-lookup.ts'
import type { PartitionFeed } from './partition-feed.ts'

/**
 * Moves feeds to where they start: where the group is, or else where it begins. One that was moved meanwhile stays there.
 * @throws LibraryError, FailedRequest
 */
export async function locateFeeds(
  feeds: readonly PartitionFeed[],
  coordinator: Pick<GroupCoordinator, 'committed'>,
  lookup: Pick<OffsetLookup, 'find'>,
  startFrom: DriverConsumerOptions['startFrom'],
): Promise<void> {
  const versions = new Map(feeds.map((feed) => [feed, feed.version]))
  const isSame = (feed: PartitionFeed): boolean => feed.version === versions.get(feed)
  const ofGroup = feeds.filter(({ start }) => start === 'committed')
  for (const [index, { offset }] of (await coordinator.committed(ofGroup)).entries()) {
    const feed = ofGroup[index]!
    if (!isSame(feed)) continue
    if (offset >= 0) feed.moveTo(offset)
    else feed.start = startFrom
  }
  const others = feeds.filter((feed) => isSame(feed) && feed.position === undefined)
  const starts = others.map(({ topic, partition, start }) => ({
    topic,
    partition,
    offset: start as StartPosition['offset'],
  }))
  for (const [index, { offset }] of (await lookup.find(starts)).entries()) {
    if (isSame(others[index]!)) others[index]!.moveTo(offset)
  }
}
