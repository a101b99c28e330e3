//! Accepts connections on the TLS address, where armed listener faults apply, and on the control
//! address, where no fault applies.
//!
//! `main.rs` starts both servers as tasks. Each connection is a task; its errors are ignored,
//! because the client or an armed fault caused them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::{Extension, Router, middleware};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::Certificates;
use crate::fault::ListenerFault;
use crate::faults::{self, MAX_SILENCE, PendingStreamFault};
use crate::guard::{self, Place};
use crate::state::Sim;
use crate::stream::FaultyStream;
use crate::{control, random, saved, service, twilio};

/// Serves the API and the phone page over TLS until the program ends.
pub(crate) async fn serve_tls(listener: TcpListener, certificates: Certificates, sim: Arc<Sim>) {
    let saving = middleware::from_fn_with_state(Arc::clone(&sim), saved::save);
    let api = service::routes(&sim)
        .merge(twilio::routes())
        .layer(saving)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&sim),
            faults::inject,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&sim),
            service::log_request,
        ));
    let routes = guarded(&sim, "https", &listener);
    let routes = routes.fallback_service(api.with_state(Arc::clone(&sim)));
    let routes = routes.with_state(Arc::clone(&sim));
    let certificates = Arc::new(certificates);
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        sim.connections.fetch_add(1, Ordering::SeqCst);
        let _ = tcp.set_nodelay(true);
        let (sim, routes) = (Arc::clone(&sim), routes.clone());
        let certificates = Arc::clone(&certificates);
        tokio::spawn(async move {
            // A broken connection is caused by the client or by an armed fault.
            let _ = serve_connection(tcp, &certificates, &sim, routes).await;
        });
    }
}

/// Returns the routes that need no key, for the programs of this machine and the phone page.
fn guarded(sim: &Arc<Sim>, scheme: &'static str, listener: &TcpListener) -> Router<Arc<Sim>> {
    let port = listener.local_addr().map_or(0, |address| address.port());
    let saving = middleware::from_fn_with_state(Arc::clone(sim), saved::save);
    let check = middleware::from_fn_with_state(Place { scheme, port }, guard::check);
    control::routes().layer(saving).layer(check)
}

/// Serves the phone page, the faults and the log of requests over plain HTTP, without faults.
pub(crate) async fn serve_control(listener: TcpListener, sim: Arc<Sim>) {
    let routes = guarded(&sim, "http", &listener).with_state(sim);
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let service = TowerToHyperService::new(routes.clone());
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tcp), service),
        );
    }
}

/// Serves one connection of the TLS address; the next armed listener fault applies to it.
async fn serve_connection(
    tcp: TcpStream,
    certificates: &Certificates,
    sim: &Sim,
    routes: Router,
) -> anyhow::Result<()> {
    let (fault, certificate) = sim.faults().next_connection();
    let tcp = match fault {
        Some(ListenerFault::SlowHandshake) => slow_handshake(tcp).await?,
        Some(ListenerFault::TlsSilent) | None => tcp,
        Some(fault) => return fail_before_tls(tcp, fault).await,
    };
    let tls = certificates
        .acceptor(certificate.as_deref())
        .accept(tcp)
        .await?;
    sim.handshakes.fetch_add(1, Ordering::SeqCst);
    if fault == Some(ListenerFault::TlsSilent) {
        tokio::time::sleep(MAX_SILENCE).await;
        return Ok(());
    }
    let pending = PendingStreamFault::default();
    let service = TowerToHyperService::new(routes.layer(Extension(pending.clone())));
    let stream = TokioIo::new(FaultyStream::new(tls, pending));
    hyper::server::conn::http1::Builder::new()
        .serve_connection(stream, service)
        .await?;
    Ok(())
}

/// Treats a connection by a fault that prevents the TLS handshake.
async fn fail_before_tls(mut tcp: TcpStream, fault: ListenerFault) -> anyhow::Result<()> {
    match fault {
        ListenerFault::Close => {}
        ListenerFault::Reset => tcp.set_zero_linger()?,
        ListenerFault::Garbage => tcp.write_all(&random::bytes::<512>()).await?,
        ListenerFault::Plain => {
            let _ = tcp.read(&mut [0; 1024]).await?;
            let body = r#"{"token":"is valid","success":true}"#;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            tcp.write_all(format!("{head}{body}").as_bytes()).await?;
        }
        ListenerFault::Silent | ListenerFault::SlowHandshake | ListenerFault::TlsSilent => {
            tokio::time::sleep(MAX_SILENCE).await;
        }
    }
    Ok(())
}

/// Inserts a relay that forwards the server's bytes to the client one per second, for at most
/// [`MAX_SILENCE`]. Returns the server's side of the relay.
async fn slow_handshake(client: TcpStream) -> anyhow::Result<TcpStream> {
    // At the address that the client has reached, since a machine may have IPv6 alone.
    let listener = TcpListener::bind((client.local_addr()?.ip(), 0)).await?;
    let server = TcpStream::connect(listener.local_addr()?).await?;
    let (server_side, _) = listener.accept().await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    tokio::spawn(async move {
        let deadline = tokio::time::Instant::now() + MAX_SILENCE;
        let mut byte = [0];
        while tokio::time::Instant::now() < deadline
            && from_server.read_exact(&mut byte).await.is_ok()
            && to_client.write_all(&byte).await.is_ok()
        {
            tokio::time::sleep(Duration::from_millis(1000)).await;
        }
    });
    Ok(server_side)
}
