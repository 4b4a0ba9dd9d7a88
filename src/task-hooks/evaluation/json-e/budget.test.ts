// What a rendering may cost: ordinary templates stay far below the budget, and whatever was written
// to take long or to grow is given up before the work is done. Steps are counted, not time.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { compareWithLibrary, renderHere } from '../../test-support/json-e-oracle.ts';
import { newBudget } from './render.ts';

const NOW = '2026-11-20T15:29:17.603Z';
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
const keys = (count: number) => Object.fromEntries(numbers(count).map((at) => [`k${at}`, at]));

/** As large as a payload may be that is rendered on the main thread: 100 KB. */
const payload = {
  word: 'x',
  text: 'a'.repeat(25_000),
  wanted: `b${'a'.repeat(12_000)}`,
  control: '\u0001'.repeat(15_000),
  wide: 'é€😀'.repeat(5_000),
  commas: ','.repeat(20_000),
  span: `1d${' '.repeat(198)}`,
  blanks: `${' '.repeat(20_000)}x`,
  numbers: numbers(5_000),
  words: numbers(3_000).map((at) => `w${at}`),
  object: keys(3_000),
  deep: numbers(1_000).map((at) => ({ at, b: { c: [at] } })),
};
const context = { now: NOW, firedBy: 'triggerHook', taskId: 'fN1SbArXTPSVFNUvaOlinQ', payload };

const often = (each: unknown, times = 100_000) => ({ $map: { $eval: `range(0, ${times})` }, 'each(i)': each });
const oftenEval = (source: string) => often({ $eval: source }, 30_000);
const nested = (depth: number): object =>
  depth === 0 ? { a: 1 } : { $map: { $eval: 'range(0, 1000)' }, [`each(x${depth})`]: nested(depth - 1) };
const grown = (initial: unknown, each: unknown, times = 30_000) => ({
  $reduce: { $eval: `range(0, ${times})` },
  initial,
  'each(acc,i)': each,
});

const HOSTILE: Readonly<Record<string, unknown>> = {
  'loops in loops': nested(3),
  'a long loop over nothing': often(1),
  'a range of ten millions': { $eval: 'range(0, 10000000)' },
  'a range without end': { $eval: 'range(0, 1, 0)' },
  'a text that doubles': grown('a'.repeat(1_000), { $eval: 'acc + acc' }, 40),
  'a text that grows by interpolation': grown('${word}', '${acc}${acc}${acc}${payload.text}'),
  'lists that double': grown({ $eval: '1' }, { $eval: '[acc, acc]' }, 40),
  'an array that grows': grown([], { $flatten: [{ $eval: 'acc' }, { $eval: 'payload.numbers' }] }),
  'an object that grows': grown({}, { $merge: [{ $eval: 'acc' }, { 'k${i}': 1 }] }),
  'an object that grows below': grown({}, { $mergeDeep: [{ $eval: 'acc' }, { a: { 'k${i}': [1] } }] }),
  'a value that nests': grown([], [{ $eval: 'acc' }]),
  'the payload many times': often({ $eval: 'payload.deep' }, 1_000),
  'the payload many times, below names': { $let: { a: { $eval: 'payload.deep' } }, in: often([{ $eval: 'a' }], 1_000) },
  'a long text many times': often({ $eval: 'payload.text' }, 1_000),
  'JSON of the payload many times': often({ $json: { $eval: 'payload.object' } }, 1_000),
  'JSON that grows by escapes': grown('"', { $json: { $eval: '[acc, acc]' } }, 40),
  'the truth of an object': oftenEval('!(payload.object)'),
  'the names of an object': often({ $let: { $eval: 'payload.object' }, in: 1 }, 1_000),
  'equal arrays': oftenEval('payload.deep == payload.deep'),
  'equal objects': oftenEval('payload.object == payload.object'),
  'equal texts': oftenEval('payload.text == payload.text + ""'),
  'the order of texts': oftenEval('payload.text < payload.text'),
  'a search in an array': oftenEval('"none" in payload.words'),
  'a search in a text': oftenEval('"none" in payload.text'),
  'a search that tries each place': { $eval: 'payload.wanted in payload.text' },
  'a split that tries each place': { $eval: 'split(payload.text, payload.wanted)' },
  'many pieces': oftenEval('len(split(payload.commas, ","))'),
  'many characters': oftenEval('len(payload.wide)'),
  'a character of a wide text': oftenEval('payload.wide[7]'),
  'a character of a long text': oftenEval('payload.text[7]'),
  'many slices': oftenEval('len(payload.numbers[1:])'),
  'many joined words': oftenEval('len(join(payload.words, "-"))'),
  'many joined numbers': oftenEval('len(join(payload.numbers, payload.text))'),
  'texts made large': oftenEval('uppercase(payload.wide)'),
  'blanks that are stripped': oftenEval('rstrip(payload.blanks)'),
  'a text that is a number': oftenEval('number(payload.blanks)'),
  'numbers as text': oftenEval('str(i * 1.1)'),
  'spans with many blanks': often({ $eval: 'fromNow(payload.span)' }, 1_000),
  'many dates': oftenEval('fromNow(str(i) + " days")'),
  'sorted many times': often({ $sort: { $eval: 'payload.numbers' } }, 1_000),
  'sorted many times by a part': often({ $sort: { $eval: 'payload.deep' }, 'by(x)': 'x.at' }, 1_000),
  'long texts sorted': { $sort: often({ $eval: 'str(i) + payload.text' }, 40) },
  'turned around many times': often({ $reverse: { $eval: 'payload.numbers' } }, 1_000),
  'flattened many times': often({ $flattenDeep: [[{ $eval: 'payload.words' }]] }, 1_000),
  'merged many times': often({ $merge: [{ $eval: 'payload.object' }, { a: 1 }] }, 1_000),
  'mapped objects': often({ $map: { $eval: 'payload.object' }, 'each(v,k)': { '${k}': 1 } }, 1_000),
  'found last': often({ $find: { $eval: 'payload.words' }, 'each(w)': 'w == "none"' }, 1_000),
  'many conditions': often({ $match: { 'i == 1': 1, 'i > 1': 2, 'i < 1': 3 } }),
  'many defined names': oftenEval('defined("i") && defined("none")'),
};

describe('a template is given up at the budget', () => {
  for (const [what, template] of Object.entries(HOSTILE)) {
    it(`that has ${what}`, () => {
      assert.equal(renderHere({ payload: [template] }, context).verdict, 'budget');
    });
  }

  it('of several, which share it', () => {
    const budget = newBudget();
    const half = often(1, 10_000);
    assert.equal(renderHere(half, context, budget).verdict, 'value');
    assert.equal(renderHere(half, context, budget).verdict, 'budget');
  });
});

const DECISION_HOOK = JSON.parse(
  readFileSync(new URL('../../../../bench/decision-hook.json', import.meta.url), 'utf8'),
);

/** How a repository's `.taskcluster.yml` makes a decision task of a GitHub event. */
const REPOSITORY = {
  $let: {
    event: { $eval: 'payload.event' },
    owner: '${payload.event.pusher.email}',
    branch: { $if: 'payload.event.ref[:11] == "refs/heads/"', then: { $eval: 'payload.event.ref[11:]' } },
    jobs: ['lint', 'build', 'test'],
  },
  in: {
    $if: 'payload.tasks_for == "github-push" && !("skip ci" in payload.event.head_commit.message)',
    then: {
      taskQueueId: 'ci/linux',
      scopes: {
        $flatten: [
          ['assume:repo:github.com/${event.repository.full_name}:branch:${branch}'],
          { $map: { $eval: 'jobs' }, 'each(job)': 'queue:route:index.ci.${job}' },
        ],
      },
      metadata: {
        $merge: [
          { owner: { $eval: 'owner' }, source: '${event.repository.html_url}/raw/${event.after}/.taskcluster.yml' },
          { $if: 'branch == "main"', then: { name: 'Release' }, else: { name: 'Build ${branch}' } },
        ],
      },
      deadline: { $fromNow: '1 day' },
      payload: {
        env: {
          $mergeDeep: [
            { HEAD_SHA: '${event.after}', CI: 'true' },
            { $switch: { 'branch == "main"': { LEVEL: '3' }, $default: { LEVEL: '1' } } },
          ],
        },
        command: [
          '/bin/bash',
          '-c',
          {
            $json: {
              $map: { $sort: { $eval: 'event.commits' }, 'by(c)': 'c.id' },
              'each(c,i)': '${i}: ${uppercase(c.id[:7])}',
            },
          },
        ],
        files: { $reduce: { $eval: 'event.commits' }, initial: 0, 'each(sum,c)': { $eval: 'sum + len(c.modified)' } },
        first: { $find: { $eval: 'event.commits' }, 'each(c)': '"README.md" in c.modified' },
        labels: { $match: { 'branch == "main"': 'release', 'len(event.commits) > 1': 'many' } },
      },
    },
  },
};
const PUSH = {
  tasks_for: 'github-push',
  event: {
    ref: 'refs/heads/main',
    after: 'f'.repeat(40),
    pusher: { email: 'a@example.com' },
    repository: { full_name: 'a/b', html_url: 'https://example.com/a/b' },
    head_commit: { message: 'A change' },
    commits: [
      { id: 'c'.repeat(40), modified: ['README.md', 'src/a.ts'] },
      { id: 'b'.repeat(40), modified: ['src/b.ts'] },
    ],
  },
};

/** How a task of a decision task is asked for by an action: the hook has most of the template. */
const ACTION = {
  $let: {
    taskGroupId: { $eval: 'payload.decision.action.taskGroupId' },
    repository: { $eval: 'payload.decision.repository' },
    push: { $eval: 'payload.decision.push' },
    input: { $eval: 'payload.user.input' },
  },
  in: {
    $let: { level: { $eval: 'repository.level' }, name: { $eval: 'payload.decision.action.cb_name' } },
    in: {
      taskGroupId: { $eval: 'taskGroupId' },
      schedulerId: 'gecko-level-${level}',
      deadline: { $fromNow: '1 day' },
      expires: { $if: 'level == "3"', then: { $fromNow: '1 year' }, else: { $fromNow: '28 days' } },
      routes: {
        $flatten: [
          ['tc-treeherder.v2.${repository.project}.${push.revision}.${push.pushlog_id}'],
          { $if: '"taskId" in payload.user', then: ['index.actions.${payload.user.taskId}'], else: [] },
        ],
      },
      payload: {
        env: {
          $merge: [
            {
              ACTION_CALLBACK: '${name}',
              ACTION_INPUT: { $json: { $eval: 'input' } },
              ACTION_TASK_ID: { $json: { $eval: 'payload.user.taskId' } },
            },
            { HEAD_REV: '${push.revision}' },
          ],
        },
        command: ['run-task', '--', { $eval: '"cd " + repository.project + " && taskgraph action-callback"' }],
      },
      extra: {
        parent: '${taskGroupId}',
        treeherder: { symbol: '${payload.decision.action.symbol}' },
        tasks_for: 'action',
      },
    },
  },
};
const ASKED = {
  decision: {
    action: { taskGroupId: 'fN1SbArXTPSVFNUvaOlinQ', cb_name: 'retrigger', symbol: 'rt' },
    repository: { project: 'try', level: '1' },
    push: { revision: 'a'.repeat(40), pushlog_id: '7' },
  },
  user: { taskId: 'fN1SbArXTPSVFNUvaOlinQ', taskGroupId: 'fN1SbArXTPSVFNUvaOlinQ', input: { times: 2, force: false } },
};

/** A task of each part of each suite of tests, which has all of the event with it. */
const SUITES = {
  $let: { whole: { $json: { $eval: 'payload.event' } }, idOf: { $eval: 'lowercase' } },
  in: {
    tasks: {
      $flattenDeep: {
        $map: {
          $flatten: {
            $match: {
              'payload.event.ref == "refs/heads/main"': [{ name: 'Unit' }, { name: 'Browser', on: ['linux', 'mac'] }],
              'payload.event.ref == "refs/heads/weekly"': [{ name: 'Weekly' }],
            },
          },
        },
        'each(suite)': {
          $map: { $eval: 'range(1, 31)' },
          'each(part)': {
            id: { $eval: 'idOf(suite.name + str(part))' },
            name: '${suite.name}, part ${part}',
            on: { $if: "suite['on']", then: { $eval: 'suite.on' }, else: ['linux'] },
            event: '${whole}',
          },
        },
      },
    },
  },
};
const LARGE_PUSH = {
  event: { ...PUSH.event, commits: numbers(60).map((at) => ({ id: at, message: 'x'.repeat(180) })) },
};

describe('an ordinary template is rendered far below the budget', () => {
  for (const [what, template, event, most] of [
    ['of a hook with names, loops and merged objects', DECISION_HOOK.definition.task, DECISION_HOOK.payload, 0.01],
    ['as repositories have it', REPOSITORY, PUSH, 0.01],
    ['of an action', ACTION, ASKED, 0.01],
    ['that makes 60 tasks with a large event in each', SUITES, LARGE_PUSH, 0.5],
    [
      'that hands the whole payload on',
      { payload: { $eval: 'payload' }, text: { $json: { $eval: 'payload.deep' } } },
      payload,
      1,
    ],
  ] as const) {
    it(what, () => {
      const own = { ...context, payload: event };
      assert.equal(compareWithLibrary(template, own), 'value');
      const budget = newBudget();
      renderHere(template, own, budget);
      assert.ok(
        newBudget().steps - budget.steps < most * newBudget().steps,
        `${newBudget().steps - budget.steps} steps`,
      );
    });
  }
});
