// One line a check, and what they come to.
let held = 0
let broken = 0

export async function check(claim, holds) {
  try {
    await holds()
    held += 1
    console.log(`ok      ${claim}`)
  } catch (error) {
    failed(claim, error)
  }
}

export function failed(claim, error) {
  broken += 1
  const why = [error.message, error.cause?.message].filter(Boolean).join(': ')
  console.log(`FAILED  ${claim}\n        ${why.replaceAll('\n', '\n        ')}`)
}

export function equal(found, expected, of = '') {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)]
  if (one !== other) throw new Error(`${of}${of && ': '}expected ${other}, found ${one}`)
}

export function ensure(holds, otherwise) {
  if (!holds) throw new Error(otherwise)
}

export async function refused(reason, doing) {
  try {
    await doing()
  } catch (error) {
    ensure(error.reason === reason, `expected ${reason}, found ${error.message}`)
    return
  }
  throw new Error(`expected ${reason}, and it was done`)
}

export function summary() {
  console.log(`\n${held} of ${held + broken} checks hold`)
  return broken === 0
}
