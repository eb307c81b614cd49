using System.Diagnostics;
using System.Net.Sockets;
using Postern.Native;

namespace Postern.Control;

/// <summary>
/// The process that shows pages to people (<c>postern-dashboard</c>): started when the first of them comes, given their
/// live sockets, and gone when nobody has come for a while. A web server would cost the daemon more memory than all the
/// rest of it (ADR 12). On the thread of <see cref="HttpEndpoint"/>.
/// </summary>
/// <param name="command">The program and its arguments; the name of the channel is appended.</param>
internal sealed class PageServer(IReadOnlyList<string> command) : IDisposable
{
    private const int StartPatience = 10_000; // milliseconds for the process to come

    private Process? _process;
    private Socket? _channel;
    private volatile bool _isStale;

    /// <summary>Gives a connection of which nothing was read to the process.</summary>
    /// <param name="client">Stays the caller's to close.</param>
    /// <returns>Why that cannot be; null: it was done.</returns>
    public string? TryPass(Socket client)
    {
        if (_isStale)
        {
            _isStale = false;
            End();
        }

        // It may have ended since the last time: the first message to it fails, the second goes to another.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            if (_channel is null && Start() is { } problem)
                return problem;
            if (DescriptorMessage.Send((int)_channel!.Handle, (int)client.Handle, [0]))
                return null;
            End();
        }

        return "the process that shows pages ends as soon as it has started; postern check says whether the configuration has errors";
    }

    /// <summary>Who comes from now on gets another process, which reads the configuration anew. On any thread.</summary>
    public void Renew() => _isStale = true;

    /// <summary>The process sees the end of its channel, and ends. When nobody is passed any more.</summary>
    public void Dispose() => End();

    private string? Start()
    {
        var name = $"\0postern-dashboard-{Guid.NewGuid():N}";
        try
        {
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(name));
            listener.Listen(1);
            var start = new ProcessStartInfo(command[0]) { RedirectStandardInput = true };
            foreach (var word in command.Skip(1).Append(name[1..]))
                start.ArgumentList.Add(word);
            _process = Process.Start(start)!;
            _process.StandardInput.Close();
            if (!listener.Poll(TimeSpan.FromMilliseconds(StartPatience), SelectMode.SelectRead))
                return Fail("it does not answer");
            _channel = listener.Accept();
            if (PeerCredentials.ProcessOf(_channel) != _process.Id)
                return Fail("somebody else answers in its place");
            _channel.SendTimeout = StartPatience;
            return null;
        }
        catch (Exception failure) when (failure is SocketException or System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return Fail(failure.Message);
        }

        string Fail(string why)
        {
            End();
            return $"the process that shows pages cannot be started ({command[0]}): {why}";
        }
    }

    private void End()
    {
        _channel?.Dispose();
        if (_process is { HasExited: false } process && _channel is null)
            process.Kill(); // it never had a channel that could have told it
        _process?.Dispose();
        (_channel, _process) = (null, null);
    }
}
