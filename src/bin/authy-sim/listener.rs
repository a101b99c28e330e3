//! Accepts connections: TLS with whatever fault is armed for the listener, and the control address.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::{Extension, Router, middleware};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::Certificates;
use crate::faults::{self, ListenerFault, SILENCE, Wire};
use crate::state::Sim;
use crate::stream::Faulty;
use crate::{control, random, service};

/// Serves the API and the phone over TLS until the program ends.
pub(crate) async fn serve_tls(listener: TcpListener, certificates: Certificates, sim: Arc<Sim>) {
    let api = service::routes(&sim)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&sim),
            faults::meet,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&sim),
            service::remember,
        ));
    let routes = control::routes().fallback_service(api.with_state(Arc::clone(&sim)));
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
            // A connection that breaks is the other side's business, or a fault that was asked for.
            let _ = serve_connection(tcp, &certificates, &sim, routes).await;
        });
    }
}

/// Serves the phone, the faults and the log of requests over plain HTTP, whatever faults are armed.
pub(crate) async fn serve_control(listener: TcpListener, sim: Arc<Sim>) {
    let routes = control::routes().with_state(sim);
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            continue;
        };
        let service = TowerToHyperService::new(routes.clone());
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tcp), service),
        );
    }
}

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
        Some(fault) => return misbehave(tcp, fault).await,
    };
    let tls = certificates
        .acceptor(certificate.as_deref())
        .accept(tcp)
        .await?;
    sim.handshakes.fetch_add(1, Ordering::SeqCst);
    if fault == Some(ListenerFault::TlsSilent) {
        tokio::time::sleep(SILENCE).await;
        return Ok(());
    }
    let wire = Wire::default();
    let service = TowerToHyperService::new(routes.layer(Extension(wire.clone())));
    let stream = TokioIo::new(Faulty::new(tls, wire));
    hyper::server::conn::http1::Builder::new()
        .serve_connection(stream, service)
        .await?;
    Ok(())
}

/// What a connection meets that never gets to TLS.
async fn misbehave(mut tcp: TcpStream, fault: ListenerFault) -> anyhow::Result<()> {
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
            tokio::time::sleep(SILENCE).await;
        }
    }
    Ok(())
}

/// Puts a relay in between that passes the server's bytes on one at a time.
async fn slow_handshake(client: TcpStream) -> anyhow::Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = TcpStream::connect(listener.local_addr()?).await?;
    let (inside, _) = listener.accept().await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    tokio::spawn(async move {
        let until = tokio::time::Instant::now() + SILENCE;
        let mut byte = [0];
        while tokio::time::Instant::now() < until
            && from_server.read_exact(&mut byte).await.is_ok()
            && to_client.write_all(&byte).await.is_ok()
        {
            tokio::time::sleep(Duration::from_millis(1000)).await;
        }
    });
    Ok(inside)
}
