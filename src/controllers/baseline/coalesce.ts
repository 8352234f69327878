/**
 * Runs `work` at most once at a time for a key. Who asks while it runs gets the answer of the next run, together with
 * all others who do: what it reads is read after they asked, and many who ask at once cost two runs.
 */
export function coalesce<T>(work: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const flights = new Map<string, Flight<T>>();
  const begin = (key: string): Promise<T> => {
    const flight: Flight<T> = { current: work(key), next: undefined };
    flights.set(key, flight);
    const end = (): void => {
      if (flight.next === undefined) flights.delete(key);
    };
    flight.current.then(end, end);
    return flight.current;
  };
  return (key) => {
    const flight = flights.get(key);
    if (flight === undefined) return begin(key);
    const again = (): Promise<T> => begin(key);
    flight.next ??= flight.current.then(again, again);
    return flight.next;
  };
}

interface Flight<T> {
  readonly current: Promise<T>;
  next: Promise<T> | undefined;
}
