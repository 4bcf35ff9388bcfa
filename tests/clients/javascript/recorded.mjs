// Which public methods of a library's classes were called, to find those that no test drives. Nothing else is changed.
const waiting = new Set()

// What these classes call in each other, and what every promise has.
const INTERNAL = new Set(['constructor', 'then', 'processResponse', 'decorateFetch', 'cloneRequestState'])

export function called(library) {
  for (const [name, made] of Object.entries(library)) {
    if (typeof made !== 'function' || made.prototype === undefined) continue
    for (const method of Object.getOwnPropertyNames(made.prototype)) {
      const own = made.prototype[method]
      if (INTERNAL.has(method) || typeof own !== 'function') continue
      const called = `${name}.${method}`
      waiting.add(called)
      made.prototype[method] = function (...given) {
        waiting.delete(called)
        return own.apply(this, given)
      }
    }
  }
}

export const uncalled = () => [...waiting].sort()
