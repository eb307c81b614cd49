namespace Postern.Interop.Tests.Harness;

/// <summary>nginx as a mail proxy, which passes sessions on to another server and tells that one of the client by XCLIENT.</summary>
internal sealed class Nginx : IMailServer
{
    private readonly Overlaid _overlaid = new("nginx", []);

    /// <param name="backend">The port of the server behind, which takes XCLIENT from 127.0.0.1.</param>
    /// <param name="knowsProxy">Whether it wants the PROXY protocol.</param>
    public Nginx(int backend, bool knowsProxy)
    {
        var authorization = MailHost.FreePort();
        _overlaid.Write("nginx.conf", $$"""
            load_module /usr/lib/nginx/modules/ngx_mail_module.so;
            daemon off;
            user nobody nogroup;
            pid {{_overlaid.Path}}/pid;
            error_log stderr info;
            events { }
            mail {
              server_name nginx.lab.example;
              auth_http 127.0.0.1:{{authorization}}/;
              smtp_auth none;
              xclient on;
              proxy on;
              server {
                listen 127.0.0.1:{{Port}}{{(knowsProxy ? " proxy_protocol" : "")}};
                protocol smtp;
                set_real_ip_from 127.0.0.1;
              }
              server {
                listen 127.0.0.1:{{DirectPort}};
                protocol smtp;
              }
            }
            http {
              access_log off;
              client_body_temp_path {{_overlaid.Path}}/body;
              proxy_temp_path {{_overlaid.Path}}/proxy;
              fastcgi_temp_path {{_overlaid.Path}}/fastcgi;
              uwsgi_temp_path {{_overlaid.Path}}/uwsgi;
              scgi_temp_path {{_overlaid.Path}}/scgi;
              server {
                listen 127.0.0.1:{{authorization}};
                location / {
                  add_header Auth-Status OK;
                  add_header Auth-Server 127.0.0.1;
                  add_header Auth-Port {{backend}};
                  return 204;
                }
              }
            }

            """);
        _overlaid.Start("exec nginx -c \"$0/nginx.conf\"", authorization, DirectPort);
    }

    public int Port { get; } = MailHost.FreePort();

    public int DirectPort { get; } = MailHost.FreePort();

    public string Announcement => "proxy-v2";

    public string Log => _overlaid.Output;

    /// <summary>They are with the server behind.</summary>
    public IReadOnlyList<string> Mails => [];

    public string Trace(string client) => "";

    public void Dispose() => _overlaid.Dispose();
}
