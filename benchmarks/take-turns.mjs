// What the benchmarks of sending share: how one run is measured, and how variants take turns.

/** Messages per second of `callers` that each await their send, after a warm-up. Closes the instance. */
export async function measureSends(messaging, Manifest, payload, { callers, warmUp, messages }) {
  const send = async (count) => {
    let left = count
    const caller = async () => {
      while (left-- > 0) await messaging.registry.send(Manifest, payload)
    }
    await Promise.all(Array.from({ length: callers }, caller))
  }
  await send(warmUp)
  const startedAt = performance.now()
  await send(messages)
  const seconds = (performance.now() - startedAt) / 1000
  await messaging.close()
  return messages / seconds
}

/**
 * Measures each variant once a round and prints its median, and its ratio to the first variant by round.
 * Who goes first changes, since the first of a round may find the machine in another state.
 */
export async function takeTurns(variants, rounds, measure) {
  const names = Object.keys(variants)
  const results = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await measure(variants[name]))
  }
  const width = Math.max(...names.map((name) => name.length))
  for (const name of names) {
    const ratios = results[name].map((rate, round) => rate / results[names[0]][round])
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
    const rate = Math.round(median(results[name]))
    process.stdout.write(`${name.padEnd(width)}  ${rate} msg/s, ${median(ratios).toFixed(2)}x (${spread})\n`)
  }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
