// Dragging entries onto folders.

const KIND = 'application/x-qis-entries';

let dragged = null;

// Begins a drag of `items`.
export function beginDrag(event, items, image) {
    dragged = items;
    event.dataTransfer.effectAllowed = 'copyMove';
    event.dataTransfer.setData(KIND, JSON.stringify(items.map(item => item.path)));
    event.dataTransfer.setData('text/plain', items.map(item => item.path).join('\n'));
    if (image) {
        event.dataTransfer.setDragImage(image, 12, 12);
    }
}

export function endDrag() {
    dragged = null;
}

// Lets entries be dropped on `element`: `drop(items, folder, copy)`, copied with Ctrl held down. `folder()` is null
// where it can't be.
export function asTarget(element, folder, drop) {
    const takes = event => dragged && event.dataTransfer.types.includes(KIND) && folder() !== null;
    element.addEventListener('dragover', event => {
        if (takes(event)) {
            event.preventDefault();
            event.stopPropagation();
            event.dataTransfer.dropEffect = event.ctrlKey ? 'copy' : 'move';
            element.classList.add('drop-here');
        }
    });
    element.addEventListener('dragleave', () => element.classList.remove('drop-here'));
    element.addEventListener('drop', event => {
        element.classList.remove('drop-here');
        if (takes(event)) {
            event.preventDefault();
            event.stopPropagation();
            const items = dragged;
            dragged = null;
            drop(items, folder(), event.ctrlKey);
        }
    });
}
