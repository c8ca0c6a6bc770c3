import { join } from 'node:path';
import { childEnvironment } from '../../../local/child-environment.ts';
import { startGuarded } from '../../../local/guarded-process.ts';
import { createRunDirectory } from '../../../local/paths.ts';
import { choosePort, waitForPorts } from '../../../local/ports.ts';

/** The folder of an unpacked DynamoDB Local (version 3), when the environment names one. */
export const dynamoDbLocalDirectory = (): string | undefined => process.env['DYNAMODB_LOCAL'];

const mainClass = 'software.amazon.dynamodb.services.local.main.ServerRunner';

/** Has tables made and used in AWS's own emulator, in memory, until the work has ended; all else stays where it is. */
export const withDynamoDbLocal = async <Result>(directory: string, work: () => Promise<Result>): Promise<Result> => {
  const port = await choosePort('DYNAMODB_LOCAL_PORT');
  const run = await createRunDirectory();
  const libraries = [directory, join(directory, 'DynamoDBLocal_lib')];
  const server = startGuarded({
    name: 'DynamoDB Local',
    file: 'java',
    args: [
      `-Djava.library.path=${libraries.join(':')}`,
      '-cp',
      libraries.map((folder) => join(folder, '*')).join(':'),
      mainClass,
      '-inMemory',
      '-port',
      String(port),
    ],
    environment: childEnvironment({}),
    workingDirectory: run.path,
    logFile: join(run.path, 'dynamodb-local.log'),
  });
  try {
    await waitForPorts(server, [port]);
    process.env['AWS_ENDPOINT_URL_DYNAMODB'] = `http://127.0.0.1:${port}`;
    return await work();
  } finally {
    delete process.env['AWS_ENDPOINT_URL_DYNAMODB'];
    await server.stop();
    await run.remove();
  }
};
