"use strict";

const api = document.getElementById("api");
const token = () => (document.cookie.match(/(?:^|; )csrftoken=([^;]*)/) || [])[1];

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
