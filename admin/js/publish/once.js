// One piece of work at a time, and the newest wish next: what was wished for in between is never begun.

export class OneAtATime {
    #work;
    #waiting = null;
    #busy = false;

    // `work`: must deal with its own errors
    constructor(work) {
        this.#work = work;
    }

    ask(wish) {
        this.#waiting = {wish};
        if (!this.#busy) this.#run();
    }

    async #run() {
        this.#busy = true;
        while (this.#waiting) {
            const {wish} = this.#waiting;
            this.#waiting = null;
            await this.#work(wish);
        }
        this.#busy = false;
    }
}
