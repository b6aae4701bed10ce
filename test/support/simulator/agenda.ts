/** The event queue: a binary heap by time, first come first served at equal times, so that runs repeat exactly. */
export class EventQueue {
  private readonly heap: { at: number; order: number; happen: () => void }[] = [];
  private order = 0;

  add(at: number, happen: () => void): void {
    const { heap } = this;
    let i = heap.length;
    heap.push({ at, order: this.order++, happen });
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.before(i, parent)) break;
      this.swap(i, parent);
      i = parent;
    }
  }

  /** Lets everything happen, in order, that is due before `end`. */
  run(end: number): void {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || first.at >= end) return;
      this.removeFirst();
      first.happen();
    }
  }

  private removeFirst(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      const right = left + 1;
      let least = i;
      if (left < heap.length && this.before(left, least)) least = left;
      if (right < heap.length && this.before(right, least)) least = right;
      if (least === i) return;
      this.swap(i, least);
      i = least;
    }
  }

  private before(i: number, j: number): boolean {
    const a = this.heap[i];
    const b = this.heap[j];
    if (a === undefined || b === undefined) return false;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  private swap(i: number, j: number): void {
    const a = this.heap[i];
    const b = this.heap[j];
    if (a === undefined || b === undefined) return;
    this.heap[i] = b;
    this.heap[j] = a;
  }
}
