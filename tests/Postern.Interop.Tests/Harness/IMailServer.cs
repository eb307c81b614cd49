namespace Postern.Interop.Tests.Harness;

/// <summary>A mail server for lab.example that Postern stands before; it takes mail and keeps it.</summary>
internal interface IMailServer : IDisposable
{
    /// <summary>Where Postern's connections are announced as <see cref="Announcement"/> says, on 127.0.0.1.</summary>
    int Port { get; }

    /// <summary>Where clients other than 127.0.0.1 may come themselves.</summary>
    int DirectPort { get; }

    /// <summary>The value of <c>postern_relay_announce</c>.</summary>
    string Announcement { get; }

    /// <summary>What it logged so far.</summary>
    string Log { get; }

    /// <summary>The mails it has, their headers at least.</summary>
    IReadOnlyList<string> Mails { get; }

    /// <summary>What its log has of a client that delivered a mail; a regular expression.</summary>
    string Trace(string client);
}
