/** What a contract suite takes of a test framework. */
interface SuiteRunner {
  describe(name: string, body: () => void): void
  test(name: string, run: () => Promise<void>): void
  beforeAll(body: () => Promise<void>): void
  afterAll(body: () => Promise<void>): void
}

/** Runs a contract suite without a test framework; gives the names of the cases that fail. */
export async function failuresOfContract(
  describeContract: (runner: SuiteRunner) => void,
  only = /./,
): Promise<string[]> {
  const cases: { name: string; run: () => Promise<void> }[] = []
  let before = (): Promise<void> => Promise.resolve()
  let after = before
  describeContract({
    describe: (_name, body) => body(),
    test: (name, run) => cases.push({ name, run }),
    beforeAll: (body) => (before = body),
    afterAll: (body) => (after = body),
  })
  await before()
  const failed: string[] = []
  for (const { name, run } of cases.filter((one) => only.test(one.name))) await run().catch(() => failed.push(name))
  await after()
  return failed
}
