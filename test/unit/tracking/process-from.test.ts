import { describe, expect, it } from 'vitest';
import { findProcessFrom } from '../../../shared/tracking/process-from.ts';

const early = '2026-11-01T00:00:00.000Z';
const late = '2026-11-20T00:00:00.000Z';
const since = '2026-11-10T00:00:00.000Z';

describe('the start of tracking', () => {
  it('is the later of those of profile and mailbox', () => {
    const both = [
      findProcessFrom({ processEmailFrom: early, incomingSince: since }, { processEmailFrom: late }),
      findProcessFrom({ processEmailFrom: late, incomingSince: since }, { processEmailFrom: early }),
    ];

    expect(both).toEqual([new Date(late), new Date(late)]);
  });

  it('is whichever is given, also when it lies before the first enabling', () => {
    expect(findProcessFrom({ processEmailFrom: early, incomingSince: since }, { processEmailFrom: null })).toEqual(
      new Date(early),
    );
    expect(findProcessFrom({ processEmailFrom: null, incomingSince: since }, { processEmailFrom: late })).toEqual(
      new Date(late),
    );
  });

  it('is the first enabling where none is given, so that old mail is not pulled', () => {
    expect(findProcessFrom({ processEmailFrom: null, incomingSince: since }, { processEmailFrom: null })).toEqual(
      new Date(since),
    );
  });
});
