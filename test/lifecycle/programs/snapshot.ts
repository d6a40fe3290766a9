// Imported, declared and configured while a startup snapshot is built; sends once it is deserialized.
import { startupSnapshot } from 'node:v8'
import { configure, registry } from '../../../src/index.ts'
import { TextSent } from './manifests.ts'

configure({ clientId: 'snapshot' })
startupSnapshot.setDeserializeMainFunction(() => {
  // The environment is the one of now, not of the build.
  void registry
    .send(TextSent, 'from a snapshot')
    .then((report) => {
      console.log(JSON.stringify(report))
      return registry.close()
    })
    .catch((error: unknown) => {
      console.error(error)
      process.exitCode = 1
    })
})
