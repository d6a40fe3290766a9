// The process of one run: takes its job from the command line, tells its parent the figures, and ends without a farewell, since
// closing is not measured.

import { measureRun, type RunJob } from './measure-run.ts'

const job = JSON.parse(process.argv[2] ?? '') as RunJob
const figures = await measureRun(job)
process.send?.(figures, () => process.exit())
