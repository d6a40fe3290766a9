import type { MembershipParts } from '../../../src/driver/platformatic/classic-membership.ts'
import { normalizeProtocolError } from '../../../src/driver/platformatic/classify.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { failureOf } from './fake-coordinator.ts'

const library = await loadPlatformaticModule()

/** What a member of the group `billing` is made from; it is subscribed to `orders`, a topic of two partitions. */
export function createMembershipParts(
  parts: Pick<MembershipParts, 'coordinator' | 'host'> & Partial<Pick<MembershipParts, 'subscription'>>,
  options: Partial<MembershipParts['options']>,
): MembershipParts {
  return {
    library,
    cluster: {
      metadata: () => Promise.resolve(new Map([['orders', { errorCode: 0, leaders: [1, 1], topicId: 'id' }]])),
      failureOf,
      failureOfNumber: (number, detail) => normalizeProtocolError(library, number, detail),
    },
    subscription: () => ({ topics: ['orders'], watch: () => undefined }),
    ...parts,
    options: {
      group: 'billing',
      instanceId: undefined,
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 3000,
      maxPollIntervalMs: 300_000,
      ...options,
    },
  }
}
