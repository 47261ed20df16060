// Shows the API's document. Writes that are tried out with the cookie of a session get its CSRF token.
"use strict";

(() => {
  const place = document.getElementById("help");

  const darkness = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", darkness.matches);
  darkness.addEventListener("change", follow);
  follow();

  const csrfToken = async () => {
    const answer = await fetch(`${place.dataset.api}session/`, { credentials: "same-origin" });
    return answer.ok ? (await answer.json()).data.csrf_token : null;
  };

  const withToken = async (request) => {
    const reads = ["GET", "HEAD", "OPTIONS"].includes((request.method || "GET").toUpperCase());
    if (!reads && !request.headers.Authorization && !request.headers["X-CSRF-Token"]) {
      const token = await csrfToken();
      if (token) {
        request.headers["X-CSRF-Token"] = token;
      }
    }
    return request;
  };

  SwaggerUIBundle({
    domNode: place,
    url: place.dataset.document,
    validatorUrl: null,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    filter: true,
    requestInterceptor: withToken,
    showExtensions: false,
  });
})();
