"use strict";

const api = document.getElementById("api");
const token = () => (document.cookie.match(/(?:^|; )csrftoken=([^;]*)/) || [])[1];

// Its own dark colours hang on a class, which nothing sets by itself.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

SwaggerUIBundle({
  url: api.dataset.schema,
  domNode: api,
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    // Whoever is logged in to the admin site tries things out under that name.
    if (token() && !request.headers.Authorization) {
      request.headers["X-CSRFToken"] = token();
    }
    return request;
  },
});
