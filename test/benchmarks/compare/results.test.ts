import { describe, expect, test } from 'vitest'
import { createResult, isBetter } from '../../../benchmarks/compare/results.ts'
import { exampleReport, rates, workNamed } from './example-report.ts'

test('a result has the median of each measure, what it lies between, and the rounds', () => {
  const rounds = [
    { perSecond: 10, p50Ms: 3 },
    { perSecond: 30, p50Ms: 1 },
    { perSecond: 20, p50Ms: 2 },
  ]
  expect(createResult(workNamed('produce-100'), 'kafkajs', rounds)).toEqual({
    work: 'produce-100',
    client: 'kafkajs',
    callers: 100,
    batch: 1,
    bytes: 256,
    partitions: 1,
    perSecond: 20,
    p50Ms: 2,
    min: { perSecond: 10, p50Ms: 1 },
    max: { perSecond: 30, p50Ms: 3 },
    rounds,
  })
})

test('a failed round counts for nothing', () => {
  const result = createResult(workNamed('produce-100'), 'kafkajs', [{ perSecond: 10 }, {}, { perSecond: 30 }])
  expect(result).toMatchObject({ perSecond: 20, min: { perSecond: 10 }, max: { perSecond: 30 } })
})

test('better is higher or lower, as the measure is', () => {
  expect(isBetter('perSecond', 2, 1)).toBe(true)
  expect(isBetter('p50Ms', 2, 1)).toBe(false)
})

describe('ratios', () => {
  test('are made round by round, since both sides of one saw the same machine', () => {
    const { ratios } = exampleReport({
      'produce-100': { postrider: rates(100, 400, 60), kafkajs: rates(50, 100, 20) },
    })
    expect(ratios).toEqual({
      'produce-100': {
        postrider: { kafkajs: { measure: 'perSecond', min: 2, median: 3, max: 4, rounds: [2, 4, 3] } },
      },
    })
  })

  test('leave out a round in which one side failed', () => {
    const { ratios } = exampleReport({
      'produce-100': { postrider: [...rates(100), {}, ...rates(60)], kafkajs: rates(50, 100, 20) },
    })
    expect(ratios['produce-100']?.['postrider']?.['kafkajs']?.rounds).toEqual([2, 3])
  })

  test('take the best setting of a client, and not one that was dropped on the way', () => {
    const { ratios } = exampleReport({
      'produce-100': {
        postrider: rates(100, 100, 100),
        'raw-linger-0-in-flight-5': rates(80, 80, 80),
        'raw-linger-0.2-in-flight-5': rates(200, 200, 200),
        'raw-linger-1-in-flight-5': rates(900, 900),
      },
    })
    expect(ratios['produce-100']?.['postrider']).toEqual({
      raw: {
        measure: 'perSecond',
        min: 0.5,
        median: 0.5,
        max: 0.5,
        rounds: [0.5, 0.5, 0.5],
        setting: 'raw-linger-0.2-in-flight-5',
      },
    })
  })

  test('of works that point down take the lowest as the best', () => {
    const { ratios } = exampleReport({
      'produce-1': { postrider: [{ p50Ms: 2 }], 'raw-linger-0-in-flight-5': [{ p50Ms: 1 }] },
    })
    expect(ratios['produce-1']?.['postrider']?.['raw']).toMatchObject({ measure: 'p50Ms', median: 2 })
  })

  test('compare ours with each other too', () => {
    const { ratios } = exampleReport({
      manifests: { postrider: [{ cpuMicros: 10 }], 'postrider-1000-manifests': [{ cpuMicros: 11 }] },
    })
    expect(ratios['manifests']?.['postrider-1000-manifests']?.['postrider']?.median).toBe(1.1)
  })
})
