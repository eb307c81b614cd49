using System.Globalization;
using System.Text;
using Postern.Core;

namespace Postern.Receiver;

/// <summary>The header lines that a delivery puts on top of a message, in Postfix's form, with LF at their ends.</summary>
/// <example>
/// <code>
/// Return-Path: &lt;a@example.com&gt;
/// X-Original-To: b@example.org
/// Delivered-To: b@example.org
/// Received: from client.example.com (unknown [192.0.2.7])
///         by mx.example.org (Postern) with ESMTP id 3E24BB1E011
///         for &lt;b@example.org&gt;; Tue, 24 Nov 2026 04:40:58 +0000 (UTC)
/// </code>
/// </example>
internal static class TraceHeaders
{
    /// <summary>Characters that would change the meaning of a Received: line.</summary>
    private const string NotInNames = " <>()\\\";@";

    /// <param name="now">Shown in UTC.</param>
    public static string Build(Envelope envelope, IpAddress client, string hostName, DateTimeOffset now)
    {
        var text = new StringBuilder(512);
        text.Append(CultureInfo.InvariantCulture, $"Return-Path: <{ReceiverText.WithoutControls(envelope.Sender)}>\n");
        // One file for all recipients, because all of them are this one mailbox.
        foreach (var recipient in envelope.Recipients)
            text.Append(CultureInfo.InvariantCulture, $"X-Original-To: {recipient}\nDelivered-To: {recipient}\n");

        var literal = ReceiverText.Literal(client);
        var name = Name(envelope.Helo ?? "unknown");
        text.Append(CultureInfo.InvariantCulture, $"Received: from {name} (unknown {literal})\n");
        text.Append(CultureInfo.InvariantCulture, $"\tby {hostName} (Postern) with {envelope.Protocol} id {envelope.QueueId}");
        if (envelope.Recipients is [var only])
            text.Append(CultureInfo.InvariantCulture, $"\n\tfor <{only}>; ");
        else
            text.Append(";\n\t");
        text.Append(now.UtcDateTime.ToString("ddd, d MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture)).Append(" +0000 (UTC)\n");
        return text.ToString();
    }

    private static string Name(string helo)
    {
        var text = new StringBuilder(ReceiverText.Printable(helo));
        for (var i = 0; i < text.Length; i++)
        {
            if (NotInNames.Contains(text[i]))
                text[i] = '?';
        }

        return text.ToString();
    }
}
