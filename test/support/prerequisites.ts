import { createRunDirectory } from '../../local/paths.ts';
import { ensurePrerequisites } from '../../local/prerequisites.ts';
import { createProgress } from '../../local/progress.ts';
import { ensurePythonEnvironment } from '../../local/python-environment.ts';

/** Runs once before test files that start servers of their own, several at a time: only one may install. */
export const setup = async (): Promise<void> => {
  const run = await createRunDirectory();
  try {
    const progress = createProgress(process.stderr);
    await ensurePrerequisites(run.path, progress);
    await ensurePythonEnvironment(run.path, progress);
  } finally {
    await run.remove();
  }
};
