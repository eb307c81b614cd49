namespace Postern.Tls;

/// <summary>Hears what happens to a client inside TLS. Called on pool threads, one call at a time.</summary>
internal interface ITlsListener
{
    /// <summary>The handshake has succeeded.</summary>
    /// <param name="handshake">What came of it.</param>
    void OnUp(TlsHandshake handshake);

    /// <summary>The client has sent something, or hung up; nothing more is read until <see cref="TlsChannel.Continue"/>.</summary>
    /// <param name="bytes">Valid until then; empty: it hung up, or the handshake failed.</param>
    void OnReceived(ReadOnlyMemory<byte> bytes);

    /// <summary>The socket is closed. The last call.</summary>
    /// <param name="handshakeProblem">Why there was no handshake, if the TLS library says so; else null.</param>
    void OnClosed(string? handshakeProblem);
}
