import { crc32 } from 'node:zlib'

/** Kafka's murmur2 (org.apache.kafka.common.utils.Utils.murmur2), as a signed 32-bit integer. */
export function murmur2(key: Uint8Array): number {
  const m = 0x5bd1e995
  const { length } = key
  let hash = 0x9747b28c ^ length
  let index = 0
  for (; index + 4 <= length; index += 4) {
    let k = key[index]! | (key[index + 1]! << 8) | (key[index + 2]! << 16) | (key[index + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    hash = Math.imul(hash, m) ^ Math.imul(k, m)
  }
  const left = length - index
  if (left === 3) hash ^= key[index + 2]! << 16
  if (left >= 2) hash ^= key[index + 1]! << 8
  if (left >= 1) hash = Math.imul(hash ^ key[index]!, m)
  hash = Math.imul(hash ^ (hash >>> 13), m)
  return hash ^ (hash >>> 15)
}

/** The partition the Java client chooses for a key. */
export function partitionByMurmur2(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/** The partition librdkafka's own default partitioner (`consistent_random`) chooses for a key that is not empty. */
export function partitionByCrc32(key: Uint8Array, partitions: number): number {
  return crc32(key) % partitions
}
