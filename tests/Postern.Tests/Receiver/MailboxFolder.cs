using System.Text;

namespace Postern.Tests.Receiver;

/// <summary>A folder of its own for one test, with the Maildir in it.</summary>
internal sealed class MailboxFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("postern-").FullName;

    public string Maildir => Path.Combine(Root, "Maildir");

    public string SocketPath => Path.Combine(Root, "smtpd");

    public string[] Files(string part) => Directory.Exists(Path.Combine(Maildir, part)) ? Directory.GetFiles(Path.Combine(Maildir, part)) : [];

    public List<string> NewMail() => [.. Files("new").Select(static path => File.ReadAllText(path, Encoding.Latin1))];

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
