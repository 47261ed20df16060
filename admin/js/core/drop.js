// Files that are dropped onto a page from elsewhere.

// Lets files be dropped anywhere on the page: `files(transfer)`. `over(state)` shows and hides that it can be done.
export function takeFiles({files, over}) {
    let depth = 0;
    const hasFiles = event => event.dataTransfer?.types.includes('Files');
    const listeners = {
        dragenter(event) {
            if (hasFiles(event)) {
                depth += 1;
                over(true);
            }
        },
        dragleave(event) {
            if (hasFiles(event)) {
                depth = Math.max(0, depth - 1);
                over(depth > 0);
            }
        },
        dragover(event) {
            if (hasFiles(event)) {
                event.preventDefault();
                event.dataTransfer.dropEffect = 'copy';
            }
        },
        drop(event) {
            depth = 0;
            over(false);
            if (hasFiles(event)) {
                event.preventDefault();
                files(event.dataTransfer);
            }
        },
    };
    for (const [name, listener] of Object.entries(listeners)) {
        window.addEventListener(name, listener);
    }
}
