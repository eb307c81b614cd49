using System.Net;
using System.Net.Sockets;
using Postern.Core;

namespace Postern.Receiver;

/// <summary>The server side of Postfix's <c>pass</c> protocol on one accepted UNIX connection: a descriptor, then attributes.</summary>
internal static class PassChannel
{
    /// <param name="limit">For each of the two steps.</param>
    /// <param name="warn">Receives smtpd's words for what went wrong.</param>
    /// <returns>Null after a warning. The caller closes the channel, which tells the sender that its copy is not needed any more.</returns>
    public static async Task<HandedClient?> ReceiveAsync(Socket channel, TimeSpan limit, TimeProvider clock, Action<string> warn, CancellationToken cancellation)
    {
        Socket? socket = null;
        var step = "receiving file descriptor";
        try
        {
            using (var patience = new Patience(limit, clock, cancellation))
            {
                // A peek waits until there is something, and leaves the descriptor where it is.
                await channel.ReceiveAsync(new byte[1], SocketFlags.Peek, patience.Token).ConfigureAwait(false);
                socket = DescriptorReceiver.Take(channel, out var problem);
                if (socket is null)
                {
                    warn($"pass_accept_attr: cannot receive file descriptor: {problem}");
                    return null;
                }
            }

            step = "receiving connection attributes";
            using (var patience = new Patience(limit, clock, cancellation))
            {
                if (await ReadAddressAsync(channel, socket, warn, patience.Token).ConfigureAwait(false) is { } address)
                {
                    var client = new HandedClient(socket, address);
                    socket = null;
                    return client;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            warn($"pass_accept_attr: timeout {step}: Connection timed out");
        }
        catch (SocketException problem)
        {
            warn($"pass_accept_attr: error {step}: {problem.Message}");
        }
        finally
        {
            socket?.Dispose();
        }

        return null;
    }

    private static async Task<IpAddress?> ReadAddressAsync(Socket channel, Socket client, Action<string> warn, CancellationToken cancellation)
    {
        var buffer = new byte[PassAttributes.MaxLength];
        for (var length = 0; length < buffer.Length;)
        {
            var read = await channel.ReceiveAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
            if (read == 0)
                break;
            length += read;
            switch (PassAttributes.Read(buffer.AsSpan(0, length), out var address, out var problem))
            {
                case PassAttributes.Progress.Complete:
                    return address;
                case PassAttributes.Progress.Empty:
                    return PeerAddress(client);
                case PassAttributes.Progress.Bad:
                    warn(problem ?? "");
                    return null;
            }
        }

        warn("pass_accept_attr: cannot receive connection attributes: incomplete list");
        return null;
    }

    private static IpAddress? PeerAddress(Socket client)
    {
        Span<byte> bytes = stackalloc byte[16];
        return client.RemoteEndPoint is IPEndPoint peer && peer.Address.TryWriteBytes(bytes, out var length)
            ? IpAddress.FromBytes(bytes[..length])
            : null;
    }
}
