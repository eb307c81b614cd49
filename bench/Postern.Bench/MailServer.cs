using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Postern.Bench;

/// <summary>A fresh instance of one of the two servers, with a stand-in for smtpd behind it. Ended with <see cref="Dispose"/>.</summary>
internal sealed class MailServer : IDisposable
{
    private const int PostscreenPort = 25; // below the clients' port range, and nobody else is in our network
    private const int PosternPort = 26;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(15);

    /// <summary>The programs of Postfix that have a part in the screening of a client.</summary>
    private static readonly string[] PostfixPrograms = ["postscreen", "dnsblog", "tlsproxy", "tlsmgr", "postlogd"];

    private readonly string _folder;
    private readonly string? _keep;
    private readonly string _postern;
    private readonly ChildProcess _passd;
    private readonly DnsLists? _lists;
    private ChildProcess _main;

    /// <summary>Starts it, and returns when it has greeted its first client.</summary>
    /// <param name="name">Of the instance, for its folder.</param>
    /// <param name="scenario">Says how it is configured.</param>
    public MailServer(ServerKind kind, BenchOptions options, string name, Scenario scenario)
    {
        Kind = kind;
        Port = kind is ServerKind.Postern ? PosternPort : PostscreenPort;
        _folder = Path.Combine(options.Work, name);
        _postern = options.Postern;
        _keep = options.Keep is { } keep ? Path.Combine(keep, name) : null;
        MailConfiguration.Write(_folder, Port, scenario.GreetWait, scenario.Settings);
        _passd = ChildProcess.StartDaemon(Path.Combine(_folder, "passd.out"), Path.GetFullPath(Path.Combine(options.Tools, "passd")), Path.Combine(_folder, "queue/private/smtpd"));
        WaitUntil(() => File.Exists(Path.Combine(_folder, "queue/private/smtpd")), () => $"passd did not start: {Tail(Path.Combine(_folder, "passd.out"))}");
        _lists = scenario.HasDnsLists ? DnsLists.Serve(options.Tools, Path.Combine(_folder, "listd.out")) : null;

        Launch();
    }

    public ServerKind Kind { get; }

    public int Port { get; }

    /// <summary>From exec to the first connection that is taken; for postscreen, from the exec of its master, which listens for it.</summary>
    public TimeSpan ListenTime { get; private set; }

    /// <summary>From exec to the first teaser.</summary>
    public TimeSpan TeaserTime { get; private set; }

    private string MailLog => Path.Combine(_folder, "maillog");

    private string Output => Path.Combine(_folder, "output");

    /// <summary>The processes whose CPU time and memory count: the screening one, and the logger where that is another.</summary>
    public IReadOnlyList<(string Name, int Id)> Processes() => Kind is ServerKind.Postern
        ? [("postern", _main.Id)]
        : [.. from name in (string[])["postscreen", "postlogd"] from id in ProcessFacts.ChildrenOf(_main.Id, name) select (name, id)];

    /// <summary>CPU time so far of all processes that have a part in the screening, those that have ended included.</summary>
    public TimeSpan CpuTime() => ProcessFacts.CpuTimeOfEndedChildren(_main.Id) + (Kind is ServerKind.Postern
        ? ProcessFacts.CpuTime(_main.Id)
        : PostfixPrograms.SelectMany(name => ProcessFacts.ChildrenOf(_main.Id, name)).Aggregate(TimeSpan.Zero, static (sum, id) => sum + ProcessFacts.CpuTime(id)));

    /// <summary>The first fatal error that a process of the server has logged, without the time; null when there was none.</summary>
    /// <exception cref="InvalidOperationException">The server has ended: the figures are worth nothing.</exception>
    public string? FirstFatal()
    {
        if (_main.HasExited)
            throw new InvalidOperationException($"{Kind} has ended during the run: {Tail(Output)} {Tail(MailLog)}");
        return File.ReadLines(MailLog).FirstOrDefault(line => line.Contains("]: fatal: ", StringComparison.Ordinal)) is { } fatal
            ? fatal[fatal.IndexOf("fatal: ", StringComparison.Ordinal)..]
            : null;
    }

    /// <summary>How many lines of the log have a text.</summary>
    public int CountInLog(string text) => File.ReadLines(MailLog).Count(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>Private memory of these, in bytes.</summary>
    public long PrivateBytes() => Processes().Sum(process => ProcessFacts.PrivateBytes(process.Id));

    /// <summary>Ends it and starts it again, in the same folder.</summary>
    public void Restart()
    {
        Stop();
        Launch();
    }

    /// <summary>Puts lines of postern.cf in force, in place of those of the time before. For Postern alone.</summary>
    public void Reconfigure(string lines)
    {
        var before = CountInLog("]: reload: ");
        File.WriteAllText(Path.Combine(_folder, "config/postern.cf"), MailConfiguration.Handoff + lines);
        _main.Reload();
        WaitUntil(() => CountInLog("]: reload: ") > before, () => $"{Kind} does not reload: {Tail(MailLog)}");
    }

    /// <summary>Puts another file in the access list's place.</summary>
    public void WriteAccessTable(string lines)
    {
        var path = Path.Combine(_folder, "config/access.cidr");
        File.WriteAllText(path + ".new", lines);
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Reads a page that never ends, until it is disposed; the first of it has come when this returns.</summary>
    public IDisposable OpenPage(string url)
    {
        var output = Path.Combine(_folder, "page.out");
        var page = ChildProcess.StartDaemon(output, "curl", "-sN", url);
        WaitUntil(() => new FileInfo(output) is { Exists: true, Length: > 0 }, () => $"nothing comes from {url}: {Tail(MailLog)}");
        return page;
    }

    public void Dispose()
    {
        Stop();
        _passd.Dispose();
        _lists?.Dispose();
        if (_keep is not null)
            Keep();
        Directory.Delete(_folder, recursive: true);
    }

    [MemberNotNull(nameof(_main))]
    private void Launch()
    {
        var config = Path.Combine(_folder, "config");
        var started = Stopwatch.GetTimestamp();
        _main = Kind is ServerKind.Postern
            ? ChildProcess.StartDaemon(Output, _postern, "serve", "-c", config)
            : ChildProcess.StartDaemon(Output, "/usr/lib/postfix/sbin/master", "-c", config, "-s");
        try
        {
            WaitForTeaser(started);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void Stop()
    {
        var children = Kind is ServerKind.Postscreen ? PostfixPrograms.SelectMany(name => ProcessFacts.ChildrenOf(_main.Id, name)).ToArray() : [];
        _main.Dispose();
        foreach (var child in children)
            WaitForEnd(child);
    }

    private void WaitForTeaser(long started)
    {
        var buffer = new byte[64];
        while (Stopwatch.GetElapsedTime(started) < StartLimit)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 5000 };
            try
            {
                socket.Connect(IPAddress.Loopback, Port);
            }
            catch (SocketException) when (!_main.HasExited)
            {
                Thread.Sleep(1); // it does not listen yet
                continue;
            }
            catch (SocketException)
            {
                break;
            }

            ListenTime = Stopwatch.GetElapsedTime(started);
            try
            {
                if (socket.Receive(buffer) > 3 && buffer.AsSpan().StartsWith("220"u8)) // where there is no teaser, it is the whole greeting
                {
                    TeaserTime = Stopwatch.GetElapsedTime(started);
                    return;
                }
            }
            catch (SocketException)
            {
            }

            break;
        }

        throw new InvalidOperationException($"{Kind} did not greet a client: {Tail(Output)} {Tail(MailLog)}");
    }

    private static void WaitUntil(Func<bool> isDone, Func<string> problem)
    {
        for (var left = 1500; !isDone(); left--) // a first start reads programs from a cold disk
        {
            if (left == 0)
                throw new InvalidOperationException(problem());
            Thread.Sleep(10);
        }
    }

    private static void WaitForEnd(int pid)
    {
        for (var left = 300; left > 0 && Directory.Exists($"/proc/{pid}"); left--)
            Thread.Sleep(10);
        if (Directory.Exists($"/proc/{pid}"))
            Process.GetProcessById(pid).Kill();
    }

    private void Keep()
    {
        Directory.CreateDirectory(_keep!);
        foreach (var file in Directory.EnumerateFiles(_folder).Concat(Directory.EnumerateFiles(Path.Combine(_folder, "config"))))
            File.Copy(file, Path.Combine(_keep!, Path.GetFileName(file)), overwrite: true);
    }

    private static string Tail(string path) => File.Exists(path) ? string.Join(" | ", File.ReadLines(path).TakeLast(5)) : "";
}
