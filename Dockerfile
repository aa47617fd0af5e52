# One image for every role; compose.yaml gives the commands. Build: docker build -t issuetracker .
FROM python:3.13.7-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/venv
COPY requirements.txt ./
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes -r requirements.txt

FROM python:3.13.7-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORT=6001
RUN useradd --system --create-home --uid 10001 issuetracker
WORKDIR /srv
COPY --from=build /opt/venv /opt/venv
COPY manage.py ./
COPY deploy/healthcheck.py deploy/
COPY settings settings
COPY kafka_worker kafka_worker
COPY issuetracker issuetracker
COPY workflow workflow
# Collecting the admin's files reaches no part, but production settings want each one named.
RUN mkdir var && chown issuetracker var && \
    DJANGO_SECRET_KEY=unused DJANGO_ALLOWED_HOSTS=unused ISSUETRACKER_STORE=database \
    ISSUETRACKER_ACCESS=token KAFKA_BOOTSTRAP_SERVERS=unused:9092 REDIS_URL=redis://unused \
    python manage.py collectstatic --noinput --verbosity 0
USER 10001
EXPOSE 6001
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "deploy/healthcheck.py"]
# A worker that is told to stop while it starts may miss it: bounded, below an engine's own 10 s.
CMD ["sh", "-c", "exec granian --interface wsgi --host 0.0.0.0 --port \"$PORT\" --workers 2 --blocking-threads 32 --respawn-failed-workers --workers-kill-timeout 5 settings.wsgi:application"]
