using System.Net;
using Postern.Core;
using Postern.Dns;
using Postern.Handoff;

namespace Postern.Receiver;

/// <summary>How the built-in receiver is set up. Text is Latin-1: each char is one byte.</summary>
public sealed record ReceiverOptions
{
    /// <summary>The UNIX stream socket to listen on for handed-over clients; made with mode 0600.</summary>
    public required string SocketPath { get; init; }

    /// <summary>The name in greetings, errors and trace headers (myhostname).</summary>
    public required string HostName { get; init; }

    /// <summary>What follows <c>220 </c> (smtpd_banner).</summary>
    public required string Banner { get; init; }

    /// <summary>Mail is accepted for addresses in these domains; ASCII case does not matter.</summary>
    public required IReadOnlyList<string> RecipientDomains { get; init; }

    /// <summary>The one Maildir that all mail goes to; made when missing, mode 0700.</summary>
    public required string MaildirPath { get; init; }

    /// <summary>Receives log lines: severity (which stands for the prefix <c>warning: </c>), the Postfix program name that
    /// the line belongs to (<c>smtpd</c>, <c>qmgr</c>, <c>local</c>), the number of the session that it is about (0: of none), text
    /// without control characters. Called from any thread.</summary>
    public required Action<LogSeverity, string, long, string> Log { get; init; }

    /// <summary>Largest message in bytes, counted as on the wire (message_size_limit).</summary>
    public long MessageSizeLimit { get; init; } = 10_240_000;

    /// <summary>Clients served at the same time; more are sent away with 421 (default_process_limit).</summary>
    public int SessionLimit { get; init; } = 100;

    /// <summary>Counts the sessions by address for who hands clients over; null: nobody wants to know.</summary>
    internal SessionCounts? Counts { get; init; }

    /// <summary>Recipients of one message (RFC 5321 §4.5.3.1.8 wants at least 100).</summary>
    public int RecipientLimit { get; init; } = 100;

    /// <summary>Errors that a client may make without delivering mail (smtpd_hard_error_limit).</summary>
    public int ErrorLimit { get; init; } = 20;

    /// <summary>Commands that lead nowhere (NOOP, VRFY, RSET, repeated HELO) before each counts as an error (smtpd_junk_command_limit).</summary>
    public int JunkCommandLimit { get; init; } = 100;

    /// <summary>For a whole command line to arrive, and for a reply to be taken (smtpd_timeout).</summary>
    public TimeSpan CommandTimeLimit { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>For the next block of a message to arrive. A client that stays below 500 bytes a second uses it up
    /// (smtpd_min_data_rate), so a message cannot take for ever.</summary>
    public TimeSpan DataTimeLimit { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>For the descriptor and its attributes to arrive on the UNIX socket.</summary>
    public TimeSpan HandoffTimeLimit { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>Whether senders need a domain that exists (reject_unknown_sender_domain).</summary>
    public bool CheckSenderDomain { get; init; } = true;

    /// <summary>Name servers for that; empty = those of /etc/resolv.conf.</summary>
    public IReadOnlyList<IPEndPoint> DnsServers { get; init; } = [];

    /// <summary>Takes the place of a resolver that asks <see cref="DnsServers"/>; null = none does.</summary>
    public IDnsResolver? Resolver { get; init; }

    /// <summary>Wall and monotonic time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Whether mail for this domain is ours.</summary>
    public bool IsOurs(string domain)
    {
        foreach (var ours in RecipientDomains)
        {
            if (string.Equals(ours, domain, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }
}
