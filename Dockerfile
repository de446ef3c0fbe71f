FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md ./
RUN python -m venv /opt/registry && /opt/registry/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY service service
COPY fhir_profiles fhir_profiles
RUN pip wheel --no-cache-dir --no-deps --wheel-dir dist . && /opt/registry/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/registry registry
COPY --from=build /opt/registry /opt/registry
COPY fhir_profiles /usr/share/trial-registry/fhir_profiles
COPY seed_bundles /usr/share/trial-registry/seed_bundles
USER registry
WORKDIR /var/lib/registry
ENV PATH=/opt/registry/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TRIAL_REGISTRY_HOST=0.0.0.0 \
    TRIAL_REGISTRY_STORE=sqlite:////var/lib/registry/data/registry.db
VOLUME /var/lib/registry/data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["trial-registry"]
CMD ["serve"]
