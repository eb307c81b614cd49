using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;
using Postern.Native;

namespace Postern.Control;

/// <summary>
/// The process that shows pages to people (<c>postern-dashboard</c>): started when the first of them comes, given their
/// live sockets, and gone when nobody has come for a while. A web server would cost the daemon more memory than all the
/// rest of it (ADR 12). On a thread of its own: that process may be slow to start, or hang, and monitoring must not.
/// </summary>
/// <param name="command">The program, perhaps behind what runs it, and its argument; the name of the channel is appended.</param>
/// <param name="warn">Told when pages cannot be shown, once for each reason.</param>
internal sealed class PageServer(IReadOnlyList<string> command, Action<string> warn) : IDisposable
{
    private const int MaxWaiting = 32; // connections
    private const int Patience = 10_000; // milliseconds for the process to come, and to take a connection
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(1);

    private readonly Queue<Socket> _waiting = []; // also the lock for it
    private readonly AutoResetEvent _arrived = new(false);
    private Thread? _thread;
    private volatile bool _isStale;
    private volatile bool _isStopping;

    // The thread's own.
    private readonly byte[] _buffer = new byte[HttpEndpoint.MaxRequest];
    private Process? _process;
    private Socket? _channel;
    private string? _problem; // why it could not be started
    private long _failedAt;

    /// <summary>The program's file: beside this one, in the form that this one has.</summary>
    public static string Program => Path.Combine(AppContext.BaseDirectory, IsByRuntime ? "postern-dashboard.dll" : "postern-dashboard");

    /// <summary>What starts it.</summary>
    public static IReadOnlyList<string> Command => IsByRuntime ? [Environment.ProcessPath!, Program] : [Program];

    private static bool IsByRuntime => Path.GetFileName(Environment.ProcessPath) == "dotnet";

    /// <summary>Takes a connection of which nothing was read, for good. Does not wait.</summary>
    /// <returns>Why it does not, and it stays the caller's; null: it did.</returns>
    public string? TryTake(Socket client)
    {
        lock (_waiting)
        {
            if (_waiting.Count == MaxWaiting || _isStopping)
                return "too many wait for the page; try again in a few seconds";
            _waiting.Enqueue(client);
            if (_thread is null)
            {
                _thread = new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "pages" };
                _thread.Start();
            }
        }

        _arrived.Set();
        return null;
    }

    /// <summary>Who comes from now on gets another process, which reads the configuration anew. On any thread.</summary>
    public void Renew() => _isStale = true;

    /// <summary>The process sees the end of its channel, and ends.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _arrived.Set();
        if (_thread?.Join(EndPatience) is false)
            return; // it waits for a process that hangs; the channel ends with ours
        _arrived.Dispose();
    }

    private void Run()
    {
        while (!_isStopping)
        {
            _arrived.WaitOne();
            while (!_isStopping && TryNext() is { } client)
            {
                using (client)
                    Serve(client);
            }
        }

        End(mustKill: false);
        while (TryNext() is { } client)
            client.Dispose();
    }

    private Socket? TryNext()
    {
        lock (_waiting)
            return _waiting.TryDequeue(out var client) ? client : null;
    }

    private void Serve(Socket client)
    {
        var problem = TryPass(client);
        if (problem != _problem && problem is not null)
            warn(problem);
        _problem = problem;
        if (problem is null)
            return;
        try
        {
            HttpEndpoint.Refuse(client, problem, _buffer);
        }
        catch (SocketException)
        {
            // the client went away: that is its business
        }
    }

    private string? TryPass(Socket client)
    {
        if (_isStale)
        {
            _isStale = false;
            End(mustKill: false);
        }

        // It may have ended since the last time, or hang: then the connection goes to another.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            if (_channel is null && Start() is { } problem)
                return problem;
            if (DescriptorMessage.Send((int)_channel!.Handle, (int)client.Handle, [0]) && IsTaken())
                return null;
            End(mustKill: true);
        }

        _failedAt = Environment.TickCount64;
        return "the program of the page ends or hangs as soon as it has started; postern check says whether the configuration has errors";
    }

    /// <summary>The process answers each connection with a byte.</summary>
    private bool IsTaken()
    {
        try
        {
            return _channel!.Poll(TimeSpan.FromMilliseconds(Patience), SelectMode.SelectRead) && _channel.Receive(new byte[1]) == 1;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private string? Start()
    {
        if (_problem is { } recent && Environment.TickCount64 - _failedAt < RestartPause.TotalMilliseconds)
            return recent;
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
            for (var deadline = Environment.TickCount64 + Patience; !listener.Poll(Look, SelectMode.SelectRead);)
            {
                if (_process.HasExited)
                    return Fail("it ends at once; postern check says whether the configuration has errors");
                if (_isStopping || Environment.TickCount64 > deadline)
                    return Fail("it does not answer");
            }

            _channel = listener.Accept();
            if (PeerCredentials.ProcessOf(_channel) != _process.Id)
                return Fail("somebody else answers in its place");
            _channel.SendTimeout = Patience;
            return null;
        }
        catch (Win32Exception failure)
        {
            var hint = failure.NativeErrorCode == Errno.ENOENT ? " -- install it beside postern; from a chroot it cannot be started" : "";
            return Fail(Errno.Text(failure.NativeErrorCode) + hint); // the runtime's own texts may be stripped from the executable
        }
        catch (Exception failure) when (failure is SocketException or InvalidOperationException)
        {
            return Fail(failure.Message);
        }

        string Fail(string why)
        {
            End(mustKill: true);
            _failedAt = Environment.TickCount64;
            return $"the page cannot be shown, since its program {command[^2]} cannot be started: {why}";
        }
    }

    private void End(bool mustKill)
    {
        _channel?.Dispose();
        if (mustKill && _process is { HasExited: false } process)
            process.Kill(); // it hangs, or never had a channel that could have told it
        _process?.Dispose();
        (_channel, _process) = (null, null);
    }
}
