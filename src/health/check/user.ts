// `user` check: an account exists, and is what it should be.
import { defineCheck } from '../../core/component.ts'
import type { CheckReason } from '../../core/component.ts'
import { boolean, integer, list, optional, string } from '../../core/field.ts'
import { ACCOUNT, groupsOf, lookUp, unasked } from '../accounts.ts'

export const user = defineCheck({
  name: 'user',
  summary: 'Looks whether an account exists, and its number, groups, home and shell.',
  description: 'Asked of `getent` and `id`, so accounts of LDAP and the like are found as the host finds them.',
  fields: {
    user: string('Name of the account.', { example: 'deploy', pattern: ACCOUNT, must: 'the name of an account' }),
    exists: boolean('Whether it should exist.', { default: true }),
    uid: optional(integer('Its number.', { example: 1001, min: 0 })),
    groups: list(string('Name of a group.'), 'Groups that it must belong to, its first one included.', {
      default: [],
      example: ['adm']
    }),
    home: optional(string('Its home.', { example: '/home/deploy' })),
    shell: optional(string('Its shell.', { example: '/usr/sbin/nologin' }))
  },
  examples: [{ title: 'The agent may read logs', yaml: 'type: user\nuser: yarder\ngroups: [adm]' }],
  *lint(o) {
    if (!o.exists && (o.uid ?? o.home ?? o.shell ?? o.groups[0]) !== undefined)
      yield ['exists', 'an account that must not exist has no uid, groups, home or shell']
  },
  build: o => async signal => {
    try {
      const found = await lookUp('passwd', o.user, signal)
      const groups = found === undefined || o.groups.length === 0 ? [] : await groupsOf(o.user, signal)
      const [reason, message] = fault(found, groups) ?? [
        'ok',
        `the user ${o.user} ${o.exists ? 'is as expected' : 'does not exist'}`
      ]
      return { state: reason === 'ok' ? 'ok' : 'critical', reason, message }
    } catch (error) {
      return unasked(error)
    }

    function fault(
      found: readonly string[] | undefined,
      groups: readonly string[]
    ): [reason: CheckReason, message: string] | undefined {
      if (found === undefined) return o.exists ? ['missing', `there is no user ${o.user}`] : undefined
      if (!o.exists) return ['present', `the user ${o.user} exists`]
      const [, , uid, , , home, shell] = found
      for (const [what, is, wanted] of [
        ['number', uid, o.uid],
        ['home', home, o.home],
        ['shell', shell, o.shell]
      ] as const)
        if (wanted !== undefined && is !== String(wanted))
          return ['owner', `the ${what} of ${o.user} is ${is}, expected ${wanted}`]
      const missing = o.groups.filter(group => !groups.includes(group))
      return missing.length === 0 ? undefined : ['owner', `the user ${o.user} is not in ${missing.join(', ')}`]
    }
  }
})
