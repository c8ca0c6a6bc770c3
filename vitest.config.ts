import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // They wait for nobody: what takes long here is a machine that has much else to do.
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/prerequisites.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Each file has servers of its own and waits for them more than it works.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'fault',
          include: ['test/fault/**/*.test.ts'],
          globalSetup: ['test/support/prerequisites.ts'],
          // Seven minutes on two idle cores.
          testTimeout: 5_400_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/deployed-stack.ts'],
          // What is waited for has deadlines of its own; a deployment takes minutes on a busy machine.
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
