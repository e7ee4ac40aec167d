//! Where HTTP comes in: opened with the gateway, or before it where the gateway may have to stand by. Who asks then is
//! told what it waits for, and is served once everything is up.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use metrics_exporter_prometheus::PrometheusHandle;
use tasks::Part;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::http::{self, Bound, Certificates, HttpError};
use super::readiness;
use crate::config::Config;
use crate::stand_by::StandBy;
use crate::stop::Stop;

/// A socket that is ours, served or not yet.
pub(super) struct Entrance {
    pub(super) address: SocketAddr,
    /// What TLS is spoken with, if it is.
    pub(super) certificates: Option<Arc<Certificates>>,
    stop: Stop,
    descriptors: u64,
    state: State,
}

enum State {
    Shut(Bound),
    /// What is served from when it is there, and by whom.
    Open(Arc<OnceLock<Router>>, JoinHandle<()>),
}

impl Entrance {
    /// Takes the address. Nobody is answered yet.
    pub(super) async fn shut(config: &Config, stop: Stop, descriptors: u64) -> Result<Self, HttpError> {
        let bound = http::bind(&config.http).await?;
        let certificates = bound.certificates();
        if let Some(certificates) = certificates.clone() {
            // Until the process ends: a gateway may stand by for longer than a certificate is good.
            drop(tasks::spawn_anew(Part::CertificateWatch, move || certificates.clone().watch()));
        }
        Ok(Self { address: bound.address(), certificates, stop, descriptors, state: State::Shut(bound) })
    }

    /// Takes the address, and answers that it stands by, or is about to start.
    pub(super) async fn standing_by(
        config: &Config,
        stop: Stop,
        descriptors: u64,
        stand_by: &StandBy,
        metrics: PrometheusHandle,
    ) -> Result<Self, HttpError> {
        let mut entrance = Self::shut(config, stop, descriptors).await?;
        tracing::info!(address = %entrance.address, "health checks are answered");
        let asked = stand_by.clone();
        let waits = web::Waits {
            readiness: Box::new(move || readiness::before_the_start(&asked)),
            metrics: (!config.http.metrics_need_token).then(|| Box::new(move || metrics.render()) as _),
        };
        let (waiting, everything) =
            (web::waiting_router(&config.http.path, waits), Arc::new(OnceLock::<Router>::new()));
        let up = everything.clone();
        let router = Router::new()
            .fallback(move |request: Request| up.get().unwrap_or(&waiting).clone().oneshot(request));
        if let State::Shut(bound) = entrance.state {
            entrance.state = State::Open(everything, serve(bound, router, &entrance.stop, descriptors));
        }
        Ok(entrance)
    }

    /// From now on everything is served.
    pub(super) fn open(self, everything: Router) -> JoinHandle<()> {
        match self.state {
            State::Shut(bound) => serve(bound, everything, &self.stop, self.descriptors),
            State::Open(up, serving) => {
                let _ = up.set(everything);
                serving
            }
        }
    }
}

fn serve(bound: Bound, router: Router, stop: &Stop, descriptors: u64) -> JoinHandle<()> {
    let asked = stop.clone();
    let serving = bound.serve(router, stop.clone(), descriptors);
    tasks::spawn_until(Part::HttpServer, move || asked.is_called(), serving)
}
