/** Milliseconds that this thread has computed: what holds it up from outside does not count. */
export function cpuTimeMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
