/**
 * The system's code of a failed call, such as `EEXIST`.
 * @param {unknown} error
 */
export function errorCode(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
