// Paths of folders and files in the library, with a slash at their start: "/" is all of it. Pure functions.

export function below(folder, name) {
    return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

// The folder that something is in.
export function parentOf(path) {
    return path.slice(0, path.lastIndexOf('/')) || '/';
}

export function nameOf(path) {
    return path.slice(path.lastIndexOf('/') + 1);
}

// What stands behind the last dot of a name, in small letters, or nothing.
export function extensionOf(path) {
    const name = nameOf(path);
    const dot = name.lastIndexOf('.');
    return dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
}
