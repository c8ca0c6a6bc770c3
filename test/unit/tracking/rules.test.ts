import { describe, it } from 'vitest';
import { DecisionWorld } from '../../support/decision-world.ts';
import { trackingRules } from './rules/index.ts';

for (const [about, rules] of Object.entries(trackingRules))
  describe(about, () => {
    for (const { rule, shows } of rules) it(rule, () => shows(new DecisionWorld()));
  });
