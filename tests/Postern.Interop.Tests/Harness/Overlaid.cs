using System.Diagnostics;
using System.Text;

namespace Postern.Interop.Tests.Harness;

/// <summary>
/// A server of Debian's that cannot be installed beside Postfix: its packages are unpacked, laid over the host's /usr and /etc in
/// namespaces of its own, and run there. It finds its users and names in files, so it asks nobody else for them.
/// </summary>
internal sealed class Overlaid : IDisposable
{
    // $0: this directory; $1: where the packages are; $2: what to run then. Process 1 ends, and with it all the others.
    private const string Run = """
        mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr && mount -t overlay overlay -o "lowerdir=$0/etc:$1/etc:/etc" /etc || exit 99
        cd "$0" && eval "$2"
        """;

    private readonly StringBuilder _output = new();
    private readonly string _root;
    private Process? _process;

    /// <param name="name">Of the server, in <see cref="Unpacked.Packages"/>.</param>
    /// <param name="users">User names that its programs run as; each gets a number, 65500 and up, and a group.</param>
    public Overlaid(string name, string[] users)
    {
        _root = Unpacked.Debian(name);
        Path = Directory.CreateTempSubdirectory($"postern-{name}-").FullName;
        Directory.CreateDirectory(System.IO.Path.Combine(Path, "etc"));
        Tool.Must("chmod", "0755", Path);
        Write("etc/passwd", File.ReadAllText("/etc/passwd") + string.Concat(users.Select((user, i) => $"{user}:x:{65500 + i}:{65500 + i}::{Path}:/usr/sbin/nologin\n")));
        Write("etc/group", File.ReadAllText("/etc/group") + string.Concat(users.Select((user, i) => $"{user}:x:{65500 + i}:\n")));
        Write("etc/hosts", $"127.0.0.1 localhost {name}.lab.example {name}\n");
        Write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\n");
        Write("etc/resolv.conf", "");
    }

    /// <summary>A directory that everybody may enter.</summary>
    public string Path { get; }

    /// <summary>What it wrote to its standard output and error.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public void Write(string name, string text) => File.WriteAllText(System.IO.Path.Combine(Path, name), text);

    /// <summary>A file's text, while others write it; empty: there is none.</summary>
    public string Read(string name)
    {
        var path = System.IO.Path.Combine(Path, name);
        if (!File.Exists(path))
            return "";
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), Encoding.Latin1);
        return reader.ReadToEnd();
    }

    /// <summary>Makes a directory for one of the users.</summary>
    public void MakeDirectory(string name, string owner = "0")
    {
        Directory.CreateDirectory(System.IO.Path.Combine(Path, name));
        Tool.Must("chown", $"{owner}:{owner}", System.IO.Path.Combine(Path, name));
    }

    /// <summary>Runs it until somebody listens on a port.</summary>
    /// <param name="script">For sh, in <see cref="Path"/>; it must not end.</param>
    /// <param name="ports">Of 127.0.0.1.</param>
    public void Start(string script, params int[] ports)
    {
        _process = Tool.Start("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", Run, Path, _root, script);
        _process.OutputDataReceived += Take;
        _process.ErrorDataReceived += Take;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Wait.Until(() => _process.HasExited || ports.All(SmtpTalk.IsOpen), () => $"{_root} does not start: {Output}");
        Assert.SkipWhen(_process.HasExited && _process.ExitCode == 99, "needs overlayfs: " + Output);
        Assert.False(_process.HasExited, $"{_root} has ended: {Output}");
    }

    public void Dispose()
    {
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
            _process.Dispose();
        }

        Directory.Delete(Path, recursive: true);
    }

    private void Take(object sender, DataReceivedEventArgs data)
    {
        lock (_output)
            _output.AppendLine(data.Data);
    }
}
