// What the benchmarks of sending share: variants stay open in one process and take turns in short bursts, so that whatever else the
// machine does reaches all of them alike. Per burst it takes messages per second, and what the sending thread spent on a message.

const callers = 100

/**
 * Prints for each variant medians, and ratios to the first variant in the same round: their median and, in brackets, their quartiles.
 * Who goes first changes, since the first of a round may find the machine in another state.
 * @param {Record<string, { send(): Promise<unknown>, close(): Promise<unknown> }>} variants
 */
export async function takeTurns(variants, rounds, messages) {
  const names = Object.keys(variants)
  const bursts = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = -2; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const burst = await measure(variants[name], round < 0 ? messages * 10 : messages)
      if (round >= 0) bursts[name].push(burst)
    }
  }
  const width = Math.max(...names.map((name) => name.length))
  for (const name of names) {
    const figure = (key) =>
      quantile(
        bursts[name].map((burst) => burst[key]),
        0.5,
      )
    // More is better for both: messages in the same time.
    const rate = ratios(bursts[name], bursts[names[0]], ({ perSecond }) => perSecond)
    const thread = ratios(bursts[name], bursts[names[0]], ({ threadUs }) => 1 / threadUs)
    const line = `${Math.round(figure('perSecond'))} msg/s ${rate}   ${figure('threadUs').toFixed(2)} us ${thread}`
    process.stdout.write(`${name.padEnd(width)}  ${line}\n`)
  }
  for (const variant of Object.values(variants)) await variant.close()
}

/** Callers that each await their send, 100 at a time. */
async function measure(variant, messages) {
  let left = messages
  const caller = async () => {
    while (left-- > 0) await variant.send()
  }
  const cpu = process.threadCpuUsage()
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: callers }, caller))
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.threadCpuUsage(cpu)
  return { perSecond: messages / seconds, threadUs: (user + system) / messages }
}

function ratios(bursts, base, read) {
  const all = bursts.map((burst, round) => read(burst) / read(base[round]))
  const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantile(all, share).toFixed(2))
  return `${median}x (${low} to ${high})`
}

function quantile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]
}
